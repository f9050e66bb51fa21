"""TDS: the twisted diffusion sampler."""

from inverse.denoise import Prior
from inverse.levels import VP, Grid
from inverse.samplers.particles import Particles, Resampling, Twisted
from inverse.transitions import DDIM


def tds(
    prior: Prior,
    *,
    steps: int = 100,
    particles: int = 4,
    eta: float = 1.0,
    data_variance: float | None = 1.0,
    threshold: float = 1.0,
) -> Particles:
    """Guide particles as PiGDM does, weigh what the guidance gets wrong, resample.

    ``x_b ~ N(m', v)`` with m' the mean of the DDIM step at the estimate guided by the score of
    ``psi_a = N(y; A x0(x_a), r^2 A A^T + sigma_y^2 I)``, m that of the plain step, v the variance
    of both; log-weight ``log N(x_b; m, v) - log N(x_b; m', v) + log psi_b - log psi_a``.
    ``r^2 = nsr^2 / (1 + nsr^2 / data_variance)``, nsr^2 for None. Linear operators; one backward
    pass per step; ``particles`` network evaluations per step.

    Reference: Wu et al., 2023, arXiv:2306.17775, Alg. 1. Released: 4 particles, systematic
    resampling at every step, r = nsr, or r^2 as here with 1.
    Departures: any linear operator and noise (the released image code has inpainting and classes,
    without noise), hence A A^T and sigma_y in psi; the last step draws x0 given the data; the
    guided estimate is not clipped to [-1, 1].
    """
    grid = Grid(steps, VP(), start=150.0, end=0.01, spacing="time")
    proposal = Twisted(DDIM(eta), data_variance)
    return Particles(prior, proposal, grid, particles, Resampling(threshold))
