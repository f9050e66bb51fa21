"""Priors whose denoiser, and whose posterior under a linear operator, are known exactly."""

from typing import NamedTuple

import torch
from torch import Tensor

from inverse.denoise import Believed, Expert, Field, FieldPrior
from inverse.levels import Level
from inverse.priors.fitting import fit_shape


class GaussianPrior(Expert):
    """A Gaussian prior, whose denoiser is known exactly.

    `x0 ~ N(mean, cov)`: `D(x) = m + a C (a^2 C + s^2 I)^{-1} (x - a m)`, and of uneven noise
    `D(z) = m + C (C + R)^{-1} (z - m)` with R its covariance, a dense solve.

    Args:
        shape: image shape (C, H, W) with d = C H W values.
        mean: (d,). cov: (d, d), symmetric positive semi-definite.
    """

    def __init__(self, shape: tuple[int, ...], mean: Tensor, cov: Tensor) -> None:
        super().__init__()
        self.shape: tuple[int, ...] = tuple(shape)
        values, vectors = torch.linalg.eigh(cov.double())
        self.register_buffer("mean", mean.detach().clone())
        self.register_buffer("values", values.clamp_min(0).to(mean))
        self.register_buffer("vectors", vectors.to(mean))
        self.mean: Tensor
        self.values: Tensor
        self.vectors: Tensor

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        fit_shape(x, self.shape)
        gain = level.alpha * self.values / (level.alpha**2 * self.values + level.sigma**2)
        centred = (x.flatten(1) - level.alpha * self.mean) @ self.vectors
        return (self.mean + (centred * gain) @ self.vectors.T).view_as(x)

    def restore(self, z: Tensor, field: Field) -> Tensor:
        gain = self._gain(z, field)
        centred = z.flatten(1) - self.mean
        return (self.mean + (gain @ centred[..., None])[..., 0]).view_as(z)

    def believe(self, z: Tensor, field: Field) -> Believed:
        left = (torch.eye(len(self.mean)).to(self.mean) - self._gain(z, field)) @ self._cov
        variance = left.diagonal(dim1=-2, dim2=-1).expand(len(z), -1)
        return Believed(self.restore(z, field), variance.view_as(z))

    @property
    def _cov(self) -> Tensor:
        return (self.vectors * self.values) @ self.vectors.T

    def _gain(self, z: Tensor, field: Field) -> Tensor:
        """`C (C + R)^{-1}`, (B, d, d), or (1, d, d) where the noise is the same for all."""
        fit_shape(z, self.shape)
        one = torch.eye(len(self.mean)).to(self.mean)
        # S = (I + R)^(-1/2) is finite whatever R is: C (C + R)^-1 = C S (S C S + I - S^2)^-1 S
        s = torch.stack([row.apply(_root, one.view(-1, *self.shape)) for row in field.rows()])
        s, cov = s.flatten(2), self._cov
        return cov @ s @ torch.linalg.solve(s @ cov @ s + one - s @ s, s)

    def posterior(self, matrix: Tensor, y: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """Mean (B, d) and covariance (d, d) of x0 given `y = matrix x0 + sigma n`, y: (B, m)."""
        cov = self._cov
        inner = matrix @ cov @ matrix.T + sigma**2 * torch.eye(len(matrix)).to(matrix)
        gain = torch.linalg.solve(inner, matrix @ cov).T
        mean = self.mean + (y - self.mean @ matrix.T) @ gain.T
        return mean, cov - gain @ matrix @ cov


class MixturePosterior(NamedTuple):
    """A mixture of Gaussians of one covariance, in float64: a posterior known exactly.

    `x0 ~ sum_k w_k N(m_k, C)`: weights (K,), means (K, d), covariance (d, d).
    """

    weights: Tensor
    means: Tensor
    covariance: Tensor

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """`count` independent draws, (count, d)."""
        modes = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        values, vectors = torch.linalg.eigh(self.covariance)
        noise = torch.randn(count, len(values), dtype=values.dtype, generator=generator)
        return self.means[modes] + noise * values.clamp_min(0).sqrt() @ vectors.T


class Mixture(FieldPrior):
    """A mixture of Gaussians as a prior, whose denoiser is known exactly.

    `x0 ~ sum_k w_k N(m_k, v I)`: `D(x) = sum_k r_k (m_k + a v (x - a m_k) / (a^2 v + s^2))`,
    and of uneven noise `D(z) = sum_k r_k (m_k + v (v I + R)^{-1} (z - m_k))` with R its covariance.

    Args:
        shape: image shape (C, H, W) with d = C H W values.
        means: (K, d). weights: (K,), positive, normalised here. variance: v, a number.
    """

    def __init__(
        self, shape: tuple[int, ...], means: Tensor, weights: Tensor, variance: float = 1.0
    ) -> None:
        super().__init__()
        self.shape: tuple[int, ...] = tuple(shape)
        self.variance = variance
        self.register_buffer("means", means.detach().clone())
        self.register_buffer("log_weights", (weights / weights.sum()).log())
        self.means: Tensor
        self.log_weights: Tensor

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        fit_shape(x, self.shape)
        flat, (alpha, sigma) = x.flatten(1), level
        spread = alpha**2 * self.variance + sigma**2
        # ||x||^2 is the same for all components, and left out
        fit = alpha * flat @ self.means.T - alpha**2 / 2 * self.means.square().sum(1)
        share = (self.log_weights + fit / spread).softmax(-1)
        centre, gain = share @ self.means, alpha * self.variance / spread
        return (centre + gain * (flat - alpha * centre)).view_as(x)

    def restore(self, z: Tensor, field: Field) -> Tensor:
        fit_shape(z, self.shape)

        def precision(nsr: Tensor) -> Tensor:
            return 1 / (self.variance + nsr**2)

        means = self.means.view(-1, *self.shape)
        seen = [row.apply(precision, means).flatten(1) for row in field.rows()]
        offset = torch.stack([(self.means * weighted).sum(1) for weighted in seen]) / 2
        fit = field.apply(precision, z).flatten(1) @ self.means.T - offset
        centre = ((self.log_weights + fit).softmax(-1) @ self.means).view_as(z)
        return centre + self.variance * field.apply(precision, z - centre)

    def posterior(self, matrix: Tensor, y: Tensor, sigma: float) -> MixturePosterior:
        """The law of x0 given `y = matrix x0 + sigma n`, y: (m,), matrix: (m, d), exactly.

        `w_k' ~ w_k N(y; A m_k, v A A^T + sigma^2 I)`, `m_k' = m_k + G (y - A m_k)`,
        `C = v (I - G A)` with `G = v A^T (v A A^T + sigma^2 I)^{-1}`, in float64.

        Raises:
            ValueError: for a `y` that does not fit the matrix.
        """
        if y.shape != matrix.shape[:1]:
            raise ValueError(
                f"Mixture: y must be ({matrix.shape[0]},) for this matrix, got {tuple(y.shape)}"
            )
        a, means, v = matrix.double(), self.means.double(), self.variance
        inner = v * a @ a.T + sigma**2 * torch.eye(len(a)).to(a)
        gain = v * torch.linalg.solve(inner, a).T
        rest = y.double() - means @ a.T
        fit = (rest * torch.linalg.solve(inner, rest.T).T).sum(1)
        weights = (self.log_weights.double() - fit / 2).softmax(0)
        covariance = v * (torch.eye(a.shape[1]).to(a) - gain @ a)
        return MixturePosterior(weights, means + rest @ gain.T, covariance)


def _root(nsr: Tensor) -> Tensor:
    """`(1 + nsr^2)^(-1/2)`."""
    return (1 + nsr**2).rsqrt()
