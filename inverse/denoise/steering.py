"""Steering: an estimate and that of a model of which all is known, each by its certainty."""

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from inverse.denoise.denoisers import Denoiser, Estimate, estimate
from inverse.denoise.fields import Field, FieldPrior
from inverse.denoise.linear import Spectrum, matched_variance, noise_level, spectrum
from inverse.denoise.needs import MASK, Unfit, check
from inverse.levels import Level
from operators import Inpaint, Problem, Rng, identity
from operators.solve import column


class Believed(NamedTuple):
    """The mean and the variance of every value, each (B, C, H, W)."""

    mean: Tensor
    variance: Tensor


class Expert(FieldPrior):
    """A prior that can be told the noise of every coordinate, and says how sure it is.

    So it knows x0 given a state and the data together, which are one state of uneven noise
    (`Spectrum.joined`).
    """

    shape: tuple[int, ...]

    @abstractmethod
    def believe(self, z: Tensor, field: Field) -> Believed:
        """Mean and variance of x0 (B, C, H, W) given `z = x0 + nsr n` in each coordinate."""


class Steered(Denoiser):
    """A denoiser steered by an expert that knows state and data: a product of their beliefs.

    `x0 = (a D / r^2 + (1 - a) T / t^2) / (a / r^2 + (1 - a) / t^2)` per value, with D the
    denoiser's estimate, T and t^2 the expert's mean and variance of x0 given the state and y, and
    `r^2 = nsr^2 / (1 + nsr^2 / v)`. At a = 1 the denoiser's very estimate, at a = 0 the expert's.

    An expert of smaller pictures steers their block means P x0, of the same number of pixels in
    every block: `x0 = D + P^+ (x0_q - P D)`. It is told the blocks that are known whole. Steering
    comes before a data step (`Conditioned`): y is in T.

    Args:
        weight: level -> a in [0, 1], the say of the denoiser. data_variance: v.

    Raises:
        Unfit: when called, for an operator that the expert cannot be told of: smaller pictures
            take masks only, and sides that are a multiple of its own.

    Reference: Liu et al., 2024, arXiv:2401.03349, eq. 8 (Tiramisu, with probabilistic circuits).
    """

    aware = True

    def __init__(
        self,
        denoiser: Denoiser,
        expert: Expert,
        weight: Callable[[Level], float],
        data_variance: float = 0.25,
    ) -> None:
        super().__init__()
        self.denoiser, self.expert = denoiser, expert
        self.weight, self.data_variance = weight, data_variance
        self.needs = frozenset({expert.coordinates})

    def cost(self, level: Level) -> float:
        return self.denoiser.cost(level)

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        est, a = self.denoiser(x, level, problem, rng), self.weight(level)
        if a == 1:
            return est
        factor = self._factor(x)
        belief = self._belief(x / level.alpha, level, problem, factor)
        r2 = matched_variance(level, self.data_variance)
        share = (1 - a) * r2 / (a * belief.variance + (1 - a) * r2)
        change = share * (belief.mean - F.avg_pool2d(est.x0, factor))
        return estimate(x, est.x0 + _spread(change, factor), level)

    def _belief(self, z: Tensor, level: Level, problem: Problem, factor: int) -> Believed:
        if factor == 1:
            return self.expert.believe(*spectrum(problem, "Steered").joined(z, level))
        data = _reduced(problem, factor)
        own = Level(1.0, level.nsr / factor)
        return self.expert.believe(*data.joined(F.avg_pool2d(z, factor), own))

    def _factor(self, x: Tensor) -> int:
        factor = x.shape[-1] // self.expert.shape[-1]
        if (x.shape[1], *(side / max(factor, 1) for side in x.shape[2:])) != self.expert.shape:
            raise Unfit(
                f"Steered: the expert knows pictures of {self.expert.shape}, or of sides a whole "
                f"multiple of that, got {tuple(x.shape[1:])}; give such pictures (size=)"
            )
        return factor


def _reduced(problem: Problem, factor: int) -> Spectrum:
    """What a mask says of block means: those of the blocks that it keeps whole."""
    check(frozenset({MASK}), problem, "Steered, of smaller pictures,")
    operator = problem.operator
    assert isinstance(operator, Inpaint)
    mask = operator.mask.expand(-1, operator.in_shape[0], -1, -1)
    whole = F.avg_pool2d(mask, factor) == 1
    y = torch.where(whole, F.avg_pool2d(problem.y, factor), 0.0)
    tau = torch.where(whole, column(noise_level(problem), y) / factor, torch.inf)
    return Spectrum(identity(y.shape[1:]).to(y), y, tau)


def _spread(change: Tensor, factor: int) -> Tensor:
    """`P^+`: every pixel of a block moves as its mean does."""
    return F.interpolate(change, scale_factor=factor) if factor > 1 else change
