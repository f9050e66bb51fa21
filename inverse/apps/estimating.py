"""What the command line leaves to be estimated: the noise's level, its photons, a blur."""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from inverse.apps.configuration import ConfigurationError, build, target_of
from inverse.denoise import Prior
from inverse.samplers import (
    EVEN,
    PIXELS,
    Blind,
    Descent,
    Family,
    Found,
    NoiseLevel,
    PhotonNoise,
    Refit,
    Sampler,
    State,
    blur_family,
    priors_in,
    warm_state,
)
from inverse.starts import load_restorer
from operators import LinearOperator, Operator, Problem, Rng, gaussian

ESTIMATE = "estimate"
DEFAULTS = {"sigma": 0.05, "peak": 200, "read": 0.02}
"""What of a noise may be estimated, and what stands for it before."""


def blur_unknown(
    image_shape: Sequence[int],
    family: Family = "gaussian",
    size: int = 25,
    padding: str = "replicate",
    measured: bool = False,
) -> LinearOperator:
    """What stands for a blur before it is found.

    Raises:
        ConfigurationError: unless it is of what was measured.
    """
    if not measured:
        raise ConfigurationError(
            "operator=blur_unknown is for a measurement=FILE of inverse restore; to simulate one "
            "name the blur, as operator=blur_gaussian"
        )
    return blur_family(family, size, padding).guess(image_shape)


class Unknown:
    """What is to be found: the blur, the noise's level or photons.

    The level is asked for, or of a measurement without one.

    Attributes:
        noise: the noise as it is configured; the configured default where it is estimated.
        operator: makes the operator for an image shape; a guess where it is to be found.

    Raises:
        ConfigurationError: for what is asked for of a measurement that is simulated.
    """

    def __init__(self, config: DictConfig) -> None:
        self.noise = copy.deepcopy(config.noise)
        real = config.measurement is not None
        self.asked = [key for key in DEFAULTS if config.noise.get(key) == ESTIMATE]
        if self.asked and not real:
            key = self.asked[0]
            raise ConfigurationError(
                f"noise.{key}=estimate is for a measurement=FILE; to simulate one give a number, "
                f"as noise.{key}={DEFAULTS[key]}"
            )
        self.photons = bool({"peak", "read"} & {*self.asked})
        if self.photons and len(self.asked) < 2:
            raise ConfigurationError(
                "noise.peak and noise.read are estimated together: give estimate for both"
            )
        told = any(
            word.lstrip("+").startswith("noise") for word in HydraConfig.get().overrides.task
        )
        default = real and not told and target_of(config.noise) is gaussian
        self.level = "sigma" in self.asked or default
        self.noise.update({key: DEFAULTS[key] for key in self.asked})
        self.blur = config.operator if target_of(config.operator) is blur_unknown else None
        measured = {} if self.blur is None else {"measured": real}
        self.operator: Callable[..., Operator] = partial(build, config.operator, **measured)

    def solver(
        self, solver: Callable[[Prior], Sampler], problem: Problem
    ) -> Callable[[Prior], Sampler]:
        """The solver, blind to what is to be found of the problem.

        Raises:
            ConfigurationError: where it cannot be.
        """
        if not (self.level or self.photons or self.blur is not None):
            return solver

        def blind(prior: Prior) -> Sampler:
            sampler = solver(prior)
            why = self._not(sampler, problem)
            if why is None:
                assert isinstance(sampler, Descent)
                return Blind(sampler, self._refits())
            if self.blur is not None:
                raise ConfigurationError(
                    f"the blur cannot be found {why}; name it, as operator=blur_gaussian"
                )
            if self.asked:
                raise ConfigurationError(
                    f"noise.{self.asked[0]} cannot be estimated {why}; give a number"
                )
            print(f"noise.sigma={self.noise.sigma} is assumed: it was not given, and cannot be "
                  f"estimated {why}")  # fmt: skip
            return sampler

        return blind

    def begin(self, config: DictConfig) -> Callable[[Problem, Rng], State | None]:
        """What a walk begins at: at nothing, or at what the restorer makes.

        Raises:
            ConfigurationError: for a restorer whose error no data can tell.
        """
        if config.restorer is None:
            return lambda problem, rng: None
        if config.error is None and (self.level or self.photons or self.blur is not None):
            raise ConfigurationError(
                "how wrong the restorer is cannot be told while noise or blur are to be found: "
                "give error=, on the range [-1, 1], or noise.sigma="
            )
        return partial(warm_state, load_restorer(config.restorer), error=config.error)

    def _refits(self) -> list[Refit]:
        if self.photons:
            return [PhotonNoise()]
        level = [NoiseLevel()] if self.level else []
        if self.blur is None:
            return [*level]
        options: dict[str, Any] = {k: v for k, v in self.blur.items() if not str(k).startswith("_")}
        return [blur_family(**options, noise=level[0] if level else None), *level]

    def _not(self, sampler: Sampler, problem: Problem) -> str | None:
        """Why it cannot be estimated, None where it can."""
        needs = {EVEN, PIXELS} if self.photons else {EVEN}
        for need in needs:
            if not need.met(problem):
                return f"for {problem.operator!r} (it can for {need.what})"
        if not isinstance(sampler, Descent):
            return "by this solver (it can by nested)"
        channels = problem.operator.in_shape[0]
        tables = filter(None, (prior.errors for prior in priors_in(sampler)))
        if not any(table.variances.shape[1] == channels for table in tables):
            return f"with this prior, whose errors on {channels} channels were not measured"
        return None


def estimates(found: Sequence[Found]) -> list[str]:
    """What was found of the first sample, in words."""
    words = []
    for part in found:
        for name, (mean, std) in part.numbers.items():
            sure = bool(std[0].isfinite())
            text = (
                f"{float(mean[0]):.3g} +- {float(std[0]):.1g}" if sure else "not told by the data"
            )
            words.append(f"{name} {text}")
    return words
