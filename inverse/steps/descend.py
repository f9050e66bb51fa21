"""MPGD: a fixed-length step down the gradient of the residual norm, taken at the estimate."""

from collections.abc import Callable

import torch
from torch import Tensor

from inverse.denoise import DataStep
from inverse.levels import Level
from operators import Problem, Rng


class Descend(DataStep):
    """``x0 - scale / alpha grad ||y - A(M(x0))||``, a norm per sample (not squared).

    ``M``, an autoencoder (B, C, H, W) -> (B, C, H, W), keeps the gradient tangent to its images;
    None is the identity. No gradient through the denoiser.

    Reference: He et al., 2024, arXiv:2311.16424, Alg. 1 and 2 (MPGD without and with autoencoder).

    Raises:
        ValueError: for a negative scale.
    """

    def __init__(self, scale: float, autoencoder: Callable[[Tensor], Tensor] | None = None) -> None:
        if scale < 0:
            raise ValueError(f"Descend: scale must not be negative, got {scale}")
        self.scale, self.autoencoder = scale, autoencoder

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        with torch.enable_grad():
            leaf = x0.detach().requires_grad_()
            image = leaf if self.autoencoder is None else self.autoencoder(leaf)
            norm = problem.residual(image).flatten(1).norm(dim=1)
            (gradient,) = torch.autograd.grad(norm.sum(), leaf)
        return x0.sub(gradient, alpha=self.scale / level.alpha)
