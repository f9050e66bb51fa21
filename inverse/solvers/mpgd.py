"""MPGD: manifold preserving guided diffusion."""

from collections.abc import Callable

from torch import Tensor

from inverse.denoise import Conditioned, Prior
from inverse.grids import Grid
from inverse.levels import VP
from inverse.process import Process
from inverse.steps import Descend
from inverse.transitions import DDIM


def mpgd(
    prior: Prior,
    *,
    steps: int = 100,
    scale: float = 4.0,
    eta: float = 0.5,
    autoencoder: Callable[[Tensor], Tensor] | None = None,
) -> Process:
    """A gradient step on the estimate, not through the network, then DDIM with the old noise.

    ``x0' = x0 - scale / a grad_x0 ||y - A(M(x0))||``, ``x_b = DDIM(eta)`` from x0' and the noise of
    x0. M is an autoencoder of clean images, (B, C, H, W) -> (B, C, H, W), None the identity. Any
    differentiable operator. The step has a fixed length: it suits one image size and step count.

    Reference: He et al., 2024, arXiv:2311.16424, Alg. 1; released scale (super-resolution, 256 x
    256): 17.5, 7.5 and 4 for 20, 50 and 100 steps; eta 0.5.
    Departures: the norm is per sample (the released code takes it over the batch); estimates are
    not clipped; with an autoencoder its gradient is used at all steps (released: in a middle part).
    """
    grid = Grid(steps, VP(), start=150.0, end=0.01, spacing="time")
    denoiser = Conditioned(prior, Descend(scale, autoencoder), keep_noise=True)
    return Process(denoiser, DDIM(eta), grid)
