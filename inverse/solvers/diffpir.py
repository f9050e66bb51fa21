"""DiffPIR: plug-and-play restoration with a diffusion denoiser."""

from inverse.denoise import Conditioned, Prior
from inverse.grids import Grid
from inverse.levels import VP
from inverse.process import Process
from inverse.steps import Prox
from inverse.transitions import Renoise


def diffpir(
    prior: Prior,
    *,
    steps: int = 100,
    lam: float = 7.0,
    zeta: float = 0.3,
    start: float = 150.0,
    end: float = 0.01,
) -> Process:
    """Half-quadratic splitting: a proximal data step on the estimate, then partial re-noising.

    ``x0' = argmin ||y - A x||^2 + lam sigma_y^2 / nsr^2 ||x - x0||^2``,
    ``x_b = a_b x0' + s_b (sqrt(1 - zeta) noise' + sqrt(zeta) n)``, noise' recomputed from x0'.

    Reference: Zhu et al., 2023, arXiv:2305.08995, Alg. 1; released defaults: lam 7, zeta 0.3
    (deblurring), lam 2-12, zeta 0.3 (super-resolution), lam 1, zeta 1 (inpainting).
    Departures: continuous VP levels, quadratic spacing as released; the data step is taken at
    every level (the released code skips it once nsr falls below 2 sigma_y).
    """
    grid = Grid(steps, VP(), start=start, end=end, spacing="quad")
    return Process(Conditioned(prior, Prox(lam)), Renoise(zeta), grid)
