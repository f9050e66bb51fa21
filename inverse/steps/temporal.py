"""A data step for clips: what was measured, the estimate, and that frames agree along a motion."""

import math

import torch
from torch import Tensor

from inverse.denoise import (
    LINEAR,
    DataStep,
    linear_operator,
    matched_variance,
    noise_variance,
)
from inverse.images.motion import sources
from inverse.levels import Level
from inverse.steps.prox import TOLERANCE
from operators import LinearOperator, Problem, Rng
from operators.solve import cg, column
from operators.video import Framewise


class TemporalProx(DataStep):
    """The clip that fits the estimate and the data best, and changes least from frame to frame.

    `argmin_x ||y - A x||^2 / (2 sigma_y^2) + ||x - x0||^2 / (2 r^2)
    + mu / 2 sum_t ||x_t - W_t x_{t-1}||^2`, on clips (B, C, T, H, W), r as in `Prox`.

    W_t takes each pixel to where the `motion` brings it, to the nearest whole pixel (pixels that
    come from outside are left out); without one it is the identity. In closed form where A is the
    same operator on every frame and nothing moves: in the cosine basis over time it is T proximal
    steps, `lam_k = sigma_y^2 (1 / r^2 + mu (2 - 2 cos(pi k / T)))`; else by conjugate gradients.
    On a picture, and with mu = 0, it is `Prox`.

    Raises:
        ValueError: if `lam` is not positive or `mu` is negative, and for a motion of another size.
        TypeError: for a nonlinear operator.
    """

    requires = frozenset({LINEAR})

    def __init__(
        self,
        lam: float = 1.0,
        mu: float = 0.0,
        motion: Tensor | None = None,
        data_variance: float | None = None,
    ) -> None:
        if lam <= 0:
            raise ValueError(f"TemporalProx: lam must be positive, got {lam}")
        if mu < 0:
            raise ValueError(f"TemporalProx: mu must be 0 or more, got {mu}")
        self.lam, self.mu, self.motion, self.data_variance = lam, mu, motion, data_variance

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        operator = linear_operator(problem, "TemporalProx")
        noise = noise_variance(problem)
        variance = matched_variance(level, self.data_variance)
        weight, tie = noise * (self.lam / variance), noise * self.mu
        if self.mu == 0 or x0.ndim == 4:
            return operator.prox(x0, problem.y, weight, TOLERANCE)
        if self.motion is None and _alike(operator):
            return _by_cosines(operator, x0, problem.y, weight, tie)
        steps = _Steps(self.motion, x0.shape)
        weight, tie = column(weight, x0), column(tie, x0)

        def normal(x: Tensor) -> Tensor:
            return operator.gram(x) + weight * x + tie * steps.roughness(x)

        right = operator.adjoint(problem.residual(x0)) - tie * steps.roughness(x0)
        return x0 + cg(normal, right, name="TemporalProx")


def _alike(operator: LinearOperator) -> bool:
    """Whether it does the same to every frame."""
    return (
        isinstance(operator, Framewise) and not operator.per_frame and operator.inner.batch is None
    )


def _by_cosines(
    operator: LinearOperator, x0: Tensor, y: Tensor, weight: float | Tensor, tie: float | Tensor
) -> Tensor:
    assert isinstance(operator, Framewise)
    inner, frames = operator.inner, operator.frames
    assert isinstance(inner, LinearOperator)
    k = torch.arange(frames, dtype=torch.float64)
    basis = torch.cos(math.pi / frames * (k[None] + 0.5) * k[:, None]) * (2 / frames) ** 0.5
    basis[0] /= 2**0.5
    basis, rough = basis.to(x0), (2 - 2 * torch.cos(math.pi / frames * k)).to(x0)

    def mixed(clip: Tensor, matrix: Tensor) -> Tensor:
        return torch.einsum("kt,bct...->bkc...", matrix, clip).flatten(0, 1)

    each = torch.ones(len(x0), 1).to(x0)
    weight = (column(weight, each) * each).expand(-1, frames)
    lam = weight + column(tie, each) * rough
    share = (weight / lam).flatten()
    z = inner.prox(
        column(share, mixed(x0, basis)) * mixed(x0, basis), mixed(y, basis), lam.flatten()
    )
    return torch.einsum("kt,bkc...->bct...", basis, z.unflatten(0, (-1, frames))).contiguous()


class _Steps:
    """`D x = x_t - W_t x_{t-1}` of clips, and `D^T D`."""

    def __init__(self, motion: Tensor | None, shape: torch.Size) -> None:
        frames, height, width = shape[2:]
        self.count, self.source = height * width, None
        if motion is not None:
            self.source = sources(motion, frames, height, width)[1:]
            self.inside = self.source < self.count

    def roughness(self, x: Tensor) -> Tensor:
        """`D^T D x`."""
        flat = x.flatten(3)
        before, now = flat[:, :, :-1], flat[:, :, 1:]
        if self.source is None:
            change = now - before
            out = torch.zeros_like(flat)
            out[:, :, 1:] += change
            out[:, :, :-1] -= change
            return out.view_as(x)
        place = self.source.clamp_max(self.count - 1).expand_as(before)
        change = (now - before.gather(-1, place)) * self.inside
        out = torch.zeros_like(flat)
        out[:, :, 1:] += change
        out[:, :, :-1].scatter_add_(-1, place, -change)
        return out.view_as(x)
