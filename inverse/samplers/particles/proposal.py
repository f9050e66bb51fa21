"""What the particle methods differ in: how a particle moves in view of the data, and its weight."""

from abc import ABC, abstractmethod
from typing import NamedTuple, Self

from torch import Tensor

from inverse.denoise import LINEAR, Estimate, Evaluation, Needs, matched_variance
from inverse.levels import Level
from inverse.transitions import DDIM, Renoise
from inverse.transitions.ddim import kernel
from operators import Problem, Rng


class Forecast(NamedTuple):
    """Where the prior alone would take each particle, `N(mean, std^2 I)`; rows are particles.

    `extras` is what else the move of a particle needs to know, of any shapes (B N, ...).
    """

    mean: Tensor
    std: float
    extras: tuple[Tensor, ...] = ()

    def pick(self, rows: Tensor) -> Self:
        """The forecast of some particles, by index."""
        extras = tuple(part[rows] for part in self.extras)
        return self._replace(mean=self.mean[rows], extras=extras)


class Proposal(ABC):
    """How particles move down a level in view of the data, and the weight that this gives them.

    A run of the prior's chain `p(x_b | x_a)` with, multiplied on, factors that end in the
    likelihood: whatever a move does not account for goes into the log-weight, so that the weighted
    particles are the posterior of the chain as their number grows.

    The prior's step to a clean level is `N(D(x), r^2 I)`, with r^2 the variance of x0 given x
    for a white prior of variance `data_variance`: there the data are met exactly.

    Args:
        prior: the stochastic kernel of the chain, `DDIM` or `Renoise`.

    Raises:
        ValueError: for a kernel that draws no noise: all particles of a group would stay equal.
    """

    differentiable: bool = False
    """Whether it asks the evaluation for gradients (and then requires BACKWARD)."""
    requires: Needs = frozenset({LINEAR})

    def __init__(self, prior: DDIM | Renoise, data_variance: float | None = 1.0) -> None:
        if prior.eta == 0:
            raise ValueError(f"{type(self).__name__}: the kernel must be stochastic, got eta = 0")
        self.prior, self.data_variance = prior, data_variance

    def observe(
        self, data: Tensor | None, problem: Problem, rng: Rng, a: Level | None, b: Level
    ) -> Tensor | None:
        """The data `(B, *out_shape)` as they are at level `b`, given those at `a`, if noised."""
        return None

    def start(self, level: Level, data: Tensor | None, problem: Problem, rng: Rng) -> Tensor:
        """First states (B N, C, H, W): a move from nowhere, `N(0, sigma^2 I)`."""
        nowhere = Forecast(_zeros(problem), level.sigma)
        return self.move(nowhere, level, level, data, problem, rng)[0]

    def forecast(self, ev: Evaluation, b: Level) -> Forecast:
        """Where the prior would take the particles."""
        return Forecast(*self.step(ev.estimate, ev.level, b))

    def step(self, est: Estimate, a: Level, b: Level) -> tuple[Tensor, float]:
        """Mean and standard deviation of the prior's own step."""
        if b.sigma == 0:
            return est.x0, matched_variance(a, self.data_variance) ** 0.5
        return kernel(est, b, self.prior.share(a, b))

    @abstractmethod
    def weigh(self, ev: Evaluation, forecast: Forecast, b: Level, data: Tensor | None) -> Tensor:
        """The log-weight (B N,) that is known before the move, and so before resampling."""

    @abstractmethod
    def move(
        self,
        forecast: Forecast,
        a: Level,
        b: Level,
        data: Tensor | None,
        problem: Problem,
        rng: Rng,
    ) -> tuple[Tensor, Tensor | float]:
        """The states at `b`, come from `a`, and the log-weight (B N,) that depends on them."""


def _zeros(problem: Problem) -> Tensor:
    operator = problem.operator
    return operator.anchor.new_zeros((len(problem), *operator.in_shape))
