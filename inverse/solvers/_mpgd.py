"""MPGD: manifold preserving guided diffusion."""

from collections.abc import Callable

from torch import Tensor

from inverse.denoise import Prior
from inverse.flows import Norm
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.transitions import DDIM


def mpgd(
    prior: Prior,
    *,
    steps: int = 100,
    scale: float = 4.0,
    eta: float = 0.5,
    autoencoder: Callable[[Tensor], Tensor] | None = None,
) -> Process:
    """DPS with its gradient taken at the estimate, not through the network: a cheap step.

    `x0' = x0 - scale / a_b grad_x0 ||y - A(M(x0))||`, `x_b = DDIM(eta)` from x0' and the noise
    of x0: a nudge of x_b by `scale`. M is an autoencoder of clean images, (B, C, H, W) ->
    (B, C, H, W), None the identity. Any differentiable operator, no backward pass through the
    network. The nudge has a fixed length: it suits one image size, step count and operator.

    Reference: He et al., 2024, arXiv:2311.16424, Alg. 1; released scale (super-resolution, 256 x
    256): 17.5, 7.5 and 4 for 20, 50 and 100 steps; eta 0.5.
    Departures: the norm is per sample (the released code takes it over the batch); estimates are
    not clipped; with an autoencoder its gradient is used at all steps (released: in a middle part).
    """
    grid = vp_grid(steps)
    return Process(prior, DDIM(eta), grid, flow=Norm(scale, False, autoencoder))
