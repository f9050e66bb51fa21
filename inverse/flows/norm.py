"""DPS: a fixed-length nudge down the gradient of the residual norm."""

import torch
from torch import Tensor

from inverse.denoise import DataFlow, Evaluation
from inverse.levels import Level


class Norm(DataFlow):
    """``x_b <- x_b - zeta grad_x ||y - A x0(x)||``, a norm per sample (not squared).

    The size of the nudge is per step, not per unit of noise: fewer steps want a larger zeta.

    Reference: Chung et al., 2023, arXiv:2209.14687, Alg. 1 (zeta_i = zeta' / ||r||).
    """

    differentiable = True

    def __init__(self, zeta: float = 0.3) -> None:
        if zeta < 0:
            raise ValueError(f"Norm: zeta must not be negative, got {zeta}")
        self.zeta = zeta

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        def loss(x0: Tensor) -> Tensor:
            return torch.linalg.vector_norm(ev.problem.residual(x0).flatten(1), dim=1)

        return ev.gradient(loss) * (-self.zeta * fraction / b.alpha)
