"""A denoiser told another noise level than its state has: fewer steps with smaller errors."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Self

from torch import Tensor

from inverse.denoise import Denoiser, Estimate, estimate
from inverse.levels import Level
from operators import Problem, Rng


class Aligned(Denoiser):
    """A denoiser told a multiple of the noise that its state has, level by level.

    `D(x; alpha, tau(nsr) sigma)`; the step that follows still goes by the level itself.

    log tau is a straight line in log nsr between the given levels, and constant beyond them. A
    ratio below 1 undoes what a long step of a flow does wrong; above 1 it allows for the
    estimate's own error, where fresh noise is put upon it. `inverse.training.aligning` learns them.

    Reference: Xia et al., 2024, arXiv:2310.09469 (Timestep Aligner).

    Args:
        denoiser: what is told.
        nsrs, ratios: levels (noise-to-signal) and tau at each of them.

    Raises:
        ValueError: unless there is one positive ratio to each of one or more positive levels.
    """

    def __init__(self, denoiser: Denoiser, nsrs: Sequence[float], ratios: Sequence[float]) -> None:
        super().__init__()
        if not nsrs or len(nsrs) != len(ratios) or min(*nsrs, *ratios) <= 0:
            raise ValueError(
                "Aligned: need one positive ratio to each of one or more positive levels, got "
                f"{list(ratios)} at {list(nsrs)}"
            )
        self.denoiser = denoiser
        self.knots = sorted(
            (math.log(nsr), math.log(tau)) for nsr, tau in zip(nsrs, ratios, strict=True)
        )

    @classmethod
    def exact(cls, denoiser: Denoiser, levels: Sequence[Level], scale: float) -> Self:
        """With the ratios at which steps of DDIM are exact on images `N(m, scale^2 I)`.

        From level a to b, `tau^2 = tan((t_a + t_b) / 2) / tan t_a`, `t = arctan(nsr / scale)`.

        Args:
            levels: of the walk, down to clean.
        """
        angles = [math.atan(level.nsr / scale) for level in levels]
        ratios = [(math.tan((a + b) / 2) / math.tan(a)) ** 0.5 for a, b in pairwise(angles)]
        return cls(denoiser, [level.nsr for level in levels[:-1]], ratios)

    def ratio(self, nsr: float) -> float:
        """tau at a noise-to-signal ratio."""
        at, knots = math.log(nsr), self.knots
        above = bisect_left(knots, (at, -math.inf))
        if above in (0, len(knots)):
            return math.exp(knots[min(above, len(knots) - 1)][1])
        (low, first), (high, last) = knots[above - 1 : above + 1]
        return math.exp(first + (last - first) * (at - low) / (high - low))

    def cost(self, level: Level) -> float:
        return self.denoiser.cost(level)

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        told = Level(level.alpha, self.ratio(level.nsr) * level.sigma)
        return estimate(x, self.denoiser(x, told, problem, rng).x0, level)
