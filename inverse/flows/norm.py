"""DPS and MPGD: a fixed-length nudge down the gradient of the residual norm."""

from collections.abc import Callable

import torch
from torch import Tensor

from inverse.denoise import DataFlow, Evaluation
from inverse.levels import Level


class Norm(DataFlow):
    """DPS's guidance: the gradient of the residual's norm, per sample (not squared).

    `x_b <- x_b - zeta grad_x ||y - A x0(x)||`, a norm per sample (not squared).

    The size of the nudge is per step, not per unit of noise: fewer steps want a larger zeta.

    Args:
        zeta: length of the nudge where A and the network keep lengths.
        jacobian: whether the gradient is taken through the network, or at its estimate instead:
            `grad_x0 ||y - A M(x0)||`, with no backward pass.
        autoencoder: M, (B, C, H, W) -> (B, C, H, W), keeps that gradient tangent to its images;
            None is the identity.

    Reference: Chung et al., 2023, arXiv:2209.14687, Alg. 1 (DPS; zeta_i = zeta' / ||r||); without
    the Jacobian He et al., 2024, arXiv:2311.16424, Alg. 1 and 2 (MPGD without and with M).

    Raises:
        ValueError: for a negative zeta, or an autoencoder with the Jacobian.
    """

    def __init__(
        self,
        zeta: float = 0.3,
        jacobian: bool = True,
        autoencoder: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        if zeta < 0:
            raise ValueError(f"Norm: zeta must not be negative, got {zeta}")
        if jacobian and autoencoder is not None:
            raise ValueError("Norm: an autoencoder takes the place of the Jacobian; choose one")
        self.zeta, self.differentiable, self.autoencoder = zeta, jacobian, autoencoder

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        def loss(x0: Tensor) -> Tensor:
            image = x0 if self.autoencoder is None else self.autoencoder(x0)
            return torch.linalg.vector_norm(ev.problem.residual(image).flatten(1), dim=1)

        nudge = ev.gradient(loss) if self.differentiable else ev.slope(loss)
        return nudge * (-self.zeta * fraction / b.alpha)
