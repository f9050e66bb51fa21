"""DMPS: diffusion model based posterior sampling."""

from inverse.denoise import Prior
from inverse.flows import Flat
from inverse.levels import VP, Grid
from inverse.samplers import Process
from inverse.transitions import DDIM


def dmps(prior: Prior, *, steps: int = 1000, lam: float = 1.75, eta: float = 1.0) -> Process:
    """An ancestral step plus the likelihood score that a flat prior would give, ``lam`` times.

    ``x_b = DDPM(x, x0) + lam (1 - r) / sqrt(r) g``, ``r = (a / a_b)^2``,
    ``g = A^T (sigma_y^2 I + nsr^2 A A^T)^{-1} (y - A x / a) / a``. Linear operators, in closed form
    where they have one; no backward pass. Exact, as steps grow, for lam = 1 and a flat prior.
    The paper's sigma_y 0.05 is on [-1, 1], as here.

    Reference: Meng and Kabashima, 2022, arXiv:2211.12343, Alg. 1; lam 1.75 for all tasks.
    Departures: the continuous VP path; g is taken before the step, as in the paper (the released
    code takes it after the step, with the level before it); estimates are not clipped to [-1, 1],
    which is left to the prior.
    """
    grid = Grid(steps, VP(), start=150.0, end=0.01, spacing="time")
    return Process(prior, DDIM(eta), grid, flow=Flat(lam))
