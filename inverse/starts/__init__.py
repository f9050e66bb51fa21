"""Where a sampler starts: pure noise, or a crude restoration noised to a moderate level."""

from abc import ABC, abstractmethod
from functools import partial

import torch
from torch import Tensor

from inverse.denoise import (
    LINEAR,
    NOTHING,
    SPECTRAL,
    Needs,
    linear_operator,
    spectrum,
    wiener,
)
from inverse.levels import Level
from inverse.starts.adapted import Restorer, as_restorer, load_restorer
from operators import Problem, Rng

__all__ = [
    "Grey",
    "PinvStart",
    "PureNoise",
    "Restorer",
    "RestorerStart",
    "SpectralStart",
    "Start",
    "WienerStart",
    "as_restorer",
    "load_restorer",
    "restored_by",
    "wiener",
]


class Start(ABC):
    """How a sampler draws its first state."""

    requires: Needs = NOTHING

    @abstractmethod
    def __call__(self, problem: Problem, rng: Rng, level: Level) -> Tensor:
        """A state (B, C, H, W) at `level`."""


class PureNoise(Start):
    """Starts from noise alone, as if the level were infinite.

    `x = sigma n`.
    """

    def __call__(self, problem: Problem, rng: Rng, level: Level) -> Tensor:
        return rng.normal((len(rng), *problem.operator.in_shape)).mul_(level.sigma)


class PinvStart(Start):
    """Starts from the pseudo-inverse of the data, with noise.

    `x = alpha A^+ y + sigma n`.

    Raises:
        Unfit: for an operator that is not linear.
    """

    requires = frozenset({LINEAR})

    def __call__(self, problem: Problem, rng: Rng, level: Level) -> Tensor:
        x = linear_operator(problem, "PinvStart").pinv(problem.y) * level.alpha
        return x.add_(rng.normal(x.shape), alpha=level.sigma)


class SpectralStart(Start):
    """Starts from the data in each singular coordinate that they know better than the level.

    `x = alpha y + sqrt(sigma^2 - (alpha tau)^2) n` in each singular coordinate that y measures
    with less noise, `tau = sigma_y / s`, than the level has; `sigma n` in the others.

    Reference: Kawar et al., 2022, arXiv:2201.11793, sec. 3.2 (DDRM).

    Raises:
        Unfit: for an operator without a singular value decomposition.
    """

    requires = frozenset({SPECTRAL})

    def __call__(self, problem: Problem, rng: Rng, level: Level) -> Tensor:
        data = spectrum(problem, "SpectralStart")
        x = rng.normal((len(rng), *problem.operator.in_shape))
        change = level.alpha * data.y + (data.lacking(level) - level.sigma) * data.operator.vt(x)
        informed = torch.where(data.tau <= level.nsr, change, 0.0)
        return x.mul_(level.sigma).add_(data.operator.v(informed))


class Grey(Start):
    """Starts from grey, the middle of the range: for chains that forget where they start.

    `x = 0`.
    """

    def __call__(self, problem: Problem, rng: Rng, level: Level) -> Tensor:
        operator = problem.operator
        return operator.anchor.new_zeros((len(problem), *operator.in_shape))


class RestorerStart(Start):
    """Starts from what any restorer makes of the data, with noise.

    `x = alpha w + temperature sigma n`, `w = restorer(problem)`.

    The error of w, whose standard deviation should be about sigma, stands for the rest of the
    noise: at temperature 1 the walk samples, at 0 it anneals.

    Args:
        restorer: a network, a classical method, anything; (B, C, H, W) in [-1, 1] of a problem.

    Raises:
        ValueError: for a restoration of another shape than the image's.
    """

    def __init__(self, restorer: Restorer, temperature: float = 1.0) -> None:
        self.restorer, self.temperature = restorer, temperature

    def __call__(self, problem: Problem, rng: Rng, level: Level) -> Tensor:
        x = restored_by(self.restorer, problem) * level.alpha
        if self.temperature > 0:
            x.add_(rng.normal(x.shape), alpha=self.temperature * level.sigma)
        return x


def restored_by(restorer: Restorer, problem: Problem) -> Tensor:
    """What a restorer makes of a problem, (B, C, H, W).

    Raises:
        ValueError: for another shape than the image's.
    """
    x, wanted = restorer(problem), (len(problem), *problem.operator.in_shape)
    if tuple(x.shape) != wanted:
        raise ValueError(f"the restorer must give images {wanted}, got {tuple(x.shape)}")
    return x


class WienerStart(RestorerStart):
    """Starts from the Wiener restoration of the data (`wiener`), with noise.

    `x = alpha w + temperature sigma n` with w the Wiener restoration of the data (`wiener`).

    The error of w, whose standard deviation should be about sigma, stands for the rest.

    Raises:
        TypeError: for an operator that is not linear.
    """

    requires = frozenset({LINEAR})

    def __init__(self, temperature: float = 0.0, iterations: int = 50) -> None:
        super().__init__(partial(wiener, iterations=iterations), temperature)
