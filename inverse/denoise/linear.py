"""What data steps, flows, transitions and starts need to know of a linear-Gaussian problem."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from inverse.denoise.fields import Field
from inverse.denoise.needs import LINEAR, SPECTRAL, check
from inverse.levels import Level
from operators import Gaussian, LinearOperator, Problem, Rng, SpectralOperator
from operators.solve import column, largest_eigenvalue, widest


def linear_operator(problem: Problem, who: str) -> LinearOperator:
    """The problem's operator, which must be linear.

    Raises:
        Unfit: naming `who` asked and what operator it got.
    """
    check(frozenset({LINEAR}), problem, who)
    assert isinstance(problem.operator, LinearOperator)
    return problem.operator


SIGMA_FLOOR = 1e-3
"""Smallest noise standard deviation used in a division, as in DiffPIR's released code."""


def noise_level(problem: Problem) -> float | Tensor:
    """`sigma_y`, a float or one value per sample.

    Raises:
        ValueError: when sigma_y differs from value to value.
    """
    sigma = problem.sigma
    if isinstance(sigma, Tensor) and sigma.ndim > 1:
        raise ValueError(
            f"the noise has one sigma per value, {tuple(sigma.shape)}, and this solver takes one "
            "per sample; solve problem.whitened() instead"
        )
    return sigma


def noise_variance(problem: Problem, floor: float = SIGMA_FLOOR) -> float | Tensor:
    """`sigma_y^2` of `noise_level`, not below `floor^2`."""
    sigma = noise_level(problem)
    return sigma.clamp_min(floor) ** 2 if isinstance(sigma, Tensor) else max(sigma, floor) ** 2


def matched_variance(level: Level, data_variance: float | None) -> float:
    """`r^2 = nsr^2 / (1 + nsr^2 / v)`: variance of x0 given x for a prior of variance v.

    `data_variance = None` means a flat prior, `r = nsr`. PiGDM takes v = 1.
    """
    nsr2 = level.nsr**2
    return nsr2 if data_variance is None else nsr2 / (1 + nsr2 / data_variance)


def steepness(problem: Problem, x: Tensor, rng: Rng, iterations: int = 8) -> Tensor:
    """Largest eigenvalue of `J^T J`, J the operator's Jacobian at `x`, per sample, (B,).

    Exact where the singular values are at hand, else by `iterations` of Lanczos: within a few
    percent, from below. J is the one of the operator's own `vjp`: where that counts rounding as
    the identity, so does this (differences of what rounds are 0, or as large as a level over the
    step). Never waits for the device.
    """
    if isinstance(problem.operator, SpectralOperator):
        return problem.operator.s2.flatten(1).amax(1).expand(len(x))
    operator = problem.operator

    def gram(v: Tensor) -> Tensor:
        return operator.vjp(x, operator.jvp(x, v))

    linear = isinstance(operator, LinearOperator)
    matvec = operator.gram if linear else gram
    return largest_eigenvalue(matvec, rng.normal(x.shape), iterations)


class Spectrum(NamedTuple):
    """A linear-Gaussian problem along its singular vectors: `y_i = (v^T x0)_i + tau_i n`.

    Attributes:
        operator: its `vt` and `v` change an image's coordinates (complex for a blur).
        y: `u^T y / s` per coordinate, 0 where nothing is measured.
        tau: standard deviation `sigma_y / s` of the noise in it, infinite where nothing is
            measured: where s is 0, or too small for `operator.pinv`.
    """

    operator: SpectralOperator
    y: Tensor
    tau: Tensor

    def lacking(self, level: Level, share: float = 1.0) -> Tensor:
        """`sqrt(sigma^2 - (share alpha tau)^2)`: the noise of `level` that y does not bring."""
        return (level.sigma**2 - (share * level.alpha * self.tau) ** 2).clamp_min(0).sqrt()

    def field(self, level: Level) -> Field:
        """The noise `min(nsr, tau)` of a state that is y where y knows as much as the level."""
        rest = torch.full((), level.nsr, dtype=self.tau.dtype, device=self.tau.device)
        return Field(self.tau.clamp(max=level.nsr), self.operator, rest)

    def informed(self, z: Tensor, level: Level) -> Tensor:
        """The image z (B, C, H, W) with y in all coordinates that it knows as well as `level`."""
        own = self.operator.vt(z)
        known = torch.where(self.tau <= level.nsr, self.y, own)
        if self.operator.v_complete:
            return self.operator.v(known)
        return z + self.operator.v(known - own)

    def joined(self, z: Tensor, level: Level) -> tuple[Tensor, Field]:
        """The state z (B, C, H, W) and y as one state of uneven noise, of the same law of x0.

        Precisions add in every coordinate: `1 / nsr_i^2 = 1 / nsr^2 + 1 / tau_i^2`. At an infinite
        level it is y alone, and z 0 where that is silent.
        """
        lost = self.tau.isinf()
        share = torch.where(lost, 0.0, 1 / (1 + (self.tau / level.nsr) ** 2))
        nsr = torch.where(lost, level.nsr, self.tau * share.sqrt())
        rest = torch.full((), level.nsr, dtype=self.tau.dtype, device=self.tau.device)
        moved = z + self.operator.v(share * (self.y - self.operator.vt(z)))
        return moved, Field(nsr, self.operator, rest)


def spectrum(problem: Problem, who: str) -> Spectrum:
    """The problem in singular coordinates.

    Raises:
        Unfit: naming `who` asked, for an operator without a singular value decomposition.
        ValueError: where sigma_y differs from value to value and coordinates are no single values.
    """
    check(frozenset({SPECTRAL}), problem, who)
    operator = problem.operator
    assert isinstance(operator, SpectralOperator)
    y, sigma = operator.ut(problem.y) * operator.s_inv, problem.sigma
    if operator.pointwise and isinstance(sigma, Tensor) and sigma.ndim > 1:
        sigma = operator.ut(sigma.expand_as(problem.y)).abs()
    else:
        sigma = column(noise_level(problem), y)
    tau = torch.where(operator.s_inv > 0, sigma * operator.s_inv, math.inf)
    return Spectrum(operator, y, tau)


AROUND = 5  # pixels of a side


def gaussian_around(problem: Problem) -> Problem:
    """A problem of single values (`POINTWISE`) with Gaussian noise of the level around each.

    That of `noise.std` at `A m`, m the mean of what is measured in the 5x5 pixels around: at y
    itself what came out low would be trusted more than what came out high, and the estimate be
    too dark.
    """
    operator = problem.operator
    if isinstance(problem.noise, Gaussian) or not isinstance(operator, LinearOperator):
        return problem
    seen = operator.pinv(problem.y)
    there = operator.pinv(operator(torch.ones_like(seen)))  # 1 where measured, else 0
    total, count = (avg_pool2d(x, AROUND, 1, AROUND // 2) for x in (seen, there))
    mean = torch.where(count > 0, total / count.clamp_min(1 / AROUND**2), 0.0)
    return problem.as_gaussian(operator(mean))


def squares(x: Tensor) -> Tensor:
    """`||x||^2` per sample, (B, ...) -> (B,), summed in the device's `widest` dtype."""
    return x.flatten(1).square().sum(1, dtype=widest(x.device))


def explain(
    operator: LinearOperator,
    mean: Tensor,
    y: Tensor,
    variance: float | Tensor,
    r2: float | Tensor,
) -> tuple[Tensor, Tensor]:
    """For `x ~ N(m, r^2 I)`: its mean given y, and `log N(y; A m, r^2 A A^T + variance I)`.

    The logarithm (B,) leaves out what does not depend on the mean m: it is `-1/2 min_x ||y -
    A x||^2 / variance + ||x - m||^2 / r^2`, a sum of squares: nothing cancels, however small the
    variance of the data is. The variances are numbers, or one per sample.
    """
    x = operator.prox(mean, y, variance / r2)
    misfit = (y - operator(x)) / column(variance, y) ** 0.5
    return x, -0.5 * (squares(misfit) + squares(x - mean) / r2)


def stein_variance(noise: Tensor, change: Tensor, std: float, level: Level, group: int) -> Tensor:
    """Variance of x0 given x, per value and white, (B,); the mean over each group of samples.

    Tweedie: `r^2 = sigma^2 / alpha tr J / d` with J the Jacobian of the estimate D. Stein:
    `E[n . D(c + std n)] = std E[tr J]`. So the noise n that was last added to a state and the
    change of the estimate that came with it are enough. The mean is not taken to lie below its
    standard error, nor r^2 above nsr^2, which a flat prior has.

    Args:
        noise, change: n and D(c + std n) less anything that does not depend on n, (B, C, H, W).
        group: how many consecutive samples are averaged over.

    Reference: Stein, 1981, doi:10.1214/aos/1176345632; Efron, 2011, doi:10.1198/jasa.2011.tm11181.
    """
    product = (noise * change).view(len(noise) // group, -1)
    error = product.std(1, correction=0) / product.shape[1] ** 0.5
    slope = product.mean(1).maximum(error) / std
    most = level.nsr**2
    r2 = (slope * (level.sigma**2 / level.alpha)).clamp(1e-6 * most, most)
    return r2.repeat_interleave(group)
