"""DiffPIR: plug-and-play restoration with a diffusion denoiser."""

from inverse.denoise import Conditioned, Prior
from inverse.levels import VP, Grid
from inverse.samplers import Process
from inverse.steps import Prox
from inverse.transitions import Renoise


def diffpir(
    prior: Prior,
    *,
    steps: int = 100,
    lam: float = 1.75,
    zeta: float = 0.3,
    start: float = 150.0,
    end: float = 0.01,
) -> Process:
    """Half-quadratic splitting: a proximal data step on the estimate, then partial re-noising.

    `x0' = argmin ||y - A x||^2 + lam sigma_y^2 / nsr^2 ||x - x0||^2`,
    `x_b = a_b x0' + s_b (sqrt(1 - zeta) noise' + sqrt(zeta) n)`, noise' recomputed from x0'.
    lam = 1 trusts x0 as far as its noise, nsr, says.

    Reference: Zhu et al., 2023, arXiv:2305.08995, Alg. 1. The released lam is four times ours: it
    weighs a sigma_y of images in [0, 1] against the nsr of a model of images in [-1, 1]. Released
    constants, in our lam: 1.75, zeta 0.3 (deblurring), 0.5 to 3, zeta 0.25 (super-resolution),
    0.25, zeta 1 (inpainting; without noise both floors of sigma_y are 1e-3, each on its range: 1).
    Departures: continuous VP levels (their spacing, t = (1 - sqrt u) T); the last level's data step
    and estimate are made (the released code ends at the state of that level, noise 0.01 and all);
    the first state is noise alone (released: y, enlarged, at that level; alpha is 0.007, and y need
    not be a picture here); estimates are not clipped to [-1, 1], which is left to the prior.
    """
    grid = Grid(steps, VP(), start=start, end=end, spacing="sqrt")
    return Process(Conditioned(prior, Prox(lam)), Renoise(zeta), grid)
