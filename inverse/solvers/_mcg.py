"""MCG: manifold constrained gradients."""

from inverse.denoise import Prior
from inverse.flows import Norm, Replace
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.transitions import DDIM


def mcg(prior: Prior, *, steps: int = 1000, zeta: float = 1.0, eta: float = 1.0) -> Process:
    """DPS's gradient, then the measured part of the state replaced by the noised data.

    `x' = DDPM(x, x0) - zeta grad_x ||y - A x0(x)||`,
    `x_b = x' + A^+ (a_b y + s_b A n - A x')`. Linear operators, noiseless data; one backward pass
    per step. The released code takes zeta 1 for inpainting; fewer steps want a larger one.

    Reference: Chung et al., 2022, arXiv:2206.00941, sec. 4.
    Departures: the norm is per sample, the data are noised to the level the state is at (the
    released code noises them to the one before), A^+ and image-space noise serve any linear
    operator, the residual is not weighted (the paper's W = I), no clipping to [-1, 1].
    """
    grid = vp_grid(steps)
    return Process(prior, DDIM(eta), grid, flow=Norm(zeta), project=Replace())
