"""A mixture of Gaussians of low rank plus a diagonal: an exact prior of pictures, and an expert."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from inverse.denoise import POINTWISE, Believed, Expert, Field
from inverse.priors.fitting import fit_shape
from operators import Rng


class Components(NamedTuple):
    """What each component k says given z; b is B, or 1 where the noise is the same for all.

    Attributes:
        fit: `log w_k + log N(z; m_k, C_k + R)`, (B, K), of the values that z tells of.
        factors: `E[u | z]`, (B, K, q). root: lower L, `Cov[u | z] = (L L^T)^{-1}`, (b, K, q, q).
        rest: `E[x0 - m_k | z, u = 0]`, (B, K, d). share: x0 moves by `share W u`, (b, K, d).
        spread: `Var[x0 | z, u]`, (b, K, d).
    """

    fit: Tensor
    factors: Tensor
    root: Tensor
    rest: Tensor
    share: Tensor
    spread: Tensor


class LowRankMixture(Expert):
    """A mixture of Gaussians whose covariances are of low rank plus a diagonal.

    `x0 = m_k + W_k u + e`, `u ~ N(0, I)`, `e ~ N(0, diag(D_k))`, k with probability w_k: exactly
    `x0 ~ sum_k w_k N(m_k, W_k W_k^T + diag(D_k))`.

    A prior that is told the noise of every value. All is exact, by Woodbury's identity: `K d q^2`
    operations for q factors and d values, once for a batch whose noise is the same.

    Args:
        shape: image shape (C, H, W) with d = C H W values.
        weights: (K,), positive, normalised here. means: (K, d). factors: W, (K, d, q).
        variances: D, (K, d), positive.

    Reference: Ghahramani & Hinton, 1996, "The EM algorithm for mixtures of factor analyzers".
    """

    coordinates = POINTWISE

    def __init__(
        self,
        shape: tuple[int, ...],
        weights: Tensor,
        means: Tensor,
        factors: Tensor,
        variances: Tensor,
    ) -> None:
        super().__init__()
        self.shape: tuple[int, ...] = tuple(shape)
        self.register_buffer("log_weights", (weights / weights.sum()).log())
        self.register_buffer("means", means.detach().clone())
        self.register_buffer("factors", factors.detach().clone())
        self.register_buffer("variances", variances.detach().clone())
        self.log_weights: Tensor
        self.means: Tensor
        self.factors: Tensor
        self.variances: Tensor

    def components(self, z: Tensor, field: Field) -> Components:
        """What each component says given z (B, C, H, W), whose pixels have the noise of `field`."""
        fit_shape(z, self.shape)
        nsr = field.pixels(z if len(field.nsr) > 1 else z[:1]).flatten(1)[:, None]
        known = 1 / (self.variances + nsr**2)  # 0 where z says nothing
        centred = z.flatten(1)[:, None] - self.means
        weighted = known[..., None] * self.factors
        eye = torch.eye(self.factors.shape[-1]).to(z)
        root = torch.linalg.cholesky(eye + self.factors.mT @ weighted)
        factors = torch.cholesky_solve(weighted.mT @ centred[..., None], root)
        rest = centred - (self.factors @ factors)[..., 0]
        size = torch.where(known > 0, -known.log(), 0.0).sum(-1)
        size = size + 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        fit = self.log_weights - ((centred * known * rest).sum(-1) + size) / 2
        gain, share = self.variances * known, torch.where(nsr.isinf(), 1.0, nsr**2 * known)
        return Components(fit, factors[..., 0], root, gain * centred, share, self.variances * share)

    def restore(self, z: Tensor, field: Field) -> Tensor:
        parts = self.components(z, field)
        return self._mixed(parts.fit, self._means(parts)).view_as(z)

    def believe(self, z: Tensor, field: Field) -> Believed:
        parts = self.components(z, field)
        means, move = self._means(parts), parts.share[..., None] * self.factors
        scaled = torch.linalg.solve_triangular(parts.root, move.mT, upper=False)
        within = parts.spread + scaled.square().sum(-2)
        mean = self._mixed(parts.fit, means)
        variance = self._mixed(parts.fit, within + (means - mean[:, None]).square())
        return Believed(mean.view_as(z), variance.view_as(z))

    def log_evidence(self, z: Tensor, field: Field) -> Tensor:
        """`log p(z)` per sample, (B,), of the values that z tells of."""
        fit = self.components(z, field).fit.logsumexp(-1)
        told = field.pixels(z).isfinite().flatten(1).sum(1)
        return fit - told * (math.log(2 * math.pi) / 2)

    def sample(self, rng: Rng) -> Tensor:
        """Draws of x0, one per stream: (B, C, H, W)."""
        steps = self.log_weights.softmax(0).cumsum(0)
        chosen = torch.searchsorted(steps, rng.uniform((len(rng), 1), steps.dtype))[:, 0]
        chosen = chosen.clamp_max(len(steps) - 1)
        means, factors = self.means[chosen], self.factors[chosen]
        u = rng.normal((len(rng), factors.shape[-1], 1), means.dtype)
        white = rng.normal(means.shape, means.dtype)
        x = means + (factors @ u)[..., 0] + self.variances[chosen].sqrt() * white
        return x.view(-1, *self.shape)

    def _means(self, parts: Components) -> Tensor:
        """`E[x0 | z, k]`, (B, K, d)."""
        moved = (self.factors @ parts.factors[..., None])[..., 0]
        return self.means + parts.rest + parts.share * moved

    @staticmethod
    def _mixed(fit: Tensor, values: Tensor) -> Tensor:
        return (fit.softmax(-1)[..., None] * values).sum(1)
