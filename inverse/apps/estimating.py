"""What the command line leaves to be estimated: the level of the noise."""

import copy
from collections.abc import Callable, Sequence

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from inverse.apps.configuration import ConfigurationError, target_of
from inverse.denoise import Prior
from inverse.samplers import EVEN, Blind, Descent, Found, NoiseLevel, Sampler
from operators import Problem, gaussian

ESTIMATE = "estimate"


class Unknown:
    """Whether the noise's level is to be estimated: asked for, or of a measurement without one.

    Attributes:
        noise: the noise as it is configured; the configured default where it is estimated.

    Raises:
        ConfigurationError: for one that is asked for of a measurement that is simulated.
    """

    def __init__(self, config: DictConfig) -> None:
        self.noise = copy.deepcopy(config.noise)
        real = config.measurement is not None
        self.asked = config.noise.get("sigma") == ESTIMATE
        if self.asked and not real:
            raise ConfigurationError(
                "noise.sigma=estimate is for a measurement=FILE; to simulate one give its "
                "level, as noise.sigma=0.05"
            )
        told = any(
            word.lstrip("+").startswith("noise") for word in HydraConfig.get().overrides.task
        )
        self.wanted = self.asked or (real and not told and target_of(config.noise) is gaussian)
        if self.asked:
            self.noise.sigma = 0.05

    def solver(
        self, solver: Callable[[Prior], Sampler], problem: Problem
    ) -> Callable[[Prior], Sampler]:
        """The solver, blind to the level of the problem's noise where that is wanted.

        Raises:
            ConfigurationError: where it is asked for and cannot be.
        """
        if not self.wanted:
            return solver

        def blind(prior: Prior) -> Sampler:
            sampler = solver(prior)
            why = self._not(sampler, problem)
            if why is None:
                assert isinstance(sampler, Descent)
                return Blind(sampler, [NoiseLevel()])
            if self.asked:
                raise ConfigurationError(f"noise.sigma cannot be estimated {why}; give a number")
            print(f"noise.sigma={self.noise.sigma} is assumed: it was not given, and cannot be "
                  f"estimated {why}")  # fmt: skip
            return sampler

        return blind

    def _not(self, sampler: Sampler, problem: Problem) -> str | None:
        """Why it cannot be estimated, None where it can."""
        if not EVEN.met(problem):
            return f"for {problem.operator!r} (it can for {EVEN.what})"
        if not isinstance(sampler, Descent):
            return "by this solver (it can by nested)"
        channels = problem.operator.in_shape[0]
        priors = [module for module in sampler.modules() if isinstance(module, Prior)]
        tables = [prior.errors for prior in priors if prior.errors is not None]
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
