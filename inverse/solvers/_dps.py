"""DPS: diffusion posterior sampling."""

from inverse.denoise import Prior
from inverse.flows import Norm
from inverse.levels import VP, Grid
from inverse.samplers import Process
from inverse.transitions import DDIM


def dps(
    prior: Prior,
    *,
    steps: int = 1000,
    zeta: float = 0.3,
    eta: float = 1.0,
    start: float = 150.0,
    end: float = 0.01,
) -> Process:
    """An ancestral step, then a nudge down the gradient of the residual norm.

    `x_b = DDPM(x, x0) - zeta grad_x ||y - A x0(x)||`; any differentiable operator. One backward
    pass per step. Defaults per task of the released code: zeta 0.3 (super-resolution, deblurring),
    0.5 (random inpainting), 1.0 (phase retrieval); it has none for a box. Fewer steps want a larger
    zeta.

    Reference: Chung et al., 2023, arXiv:2209.14687, Alg. 1.
    Departures: the norm is per sample (the released code takes it over the batch), the variance
    is DDPM's posterior variance, estimates are not clipped to [-1, 1],
    which is left to the prior.
    """
    grid = Grid(steps, VP(), start=start, end=end, spacing="time")
    return Process(prior, DDIM(eta), grid, flow=Norm(zeta))
