"""MCGdiff: Monte Carlo guided diffusion."""

from inverse.denoise import Prior
from inverse.levels import VP, Grid
from inverse.samplers.particles import Particles, Pinned, Resampling
from inverse.transitions import DDIM


def mcgdiff(
    prior: Prior,
    *,
    steps: int = 100,
    particles: int = 64,
    eta: float = 1.0,
    kappa: float = 1e-4,
) -> Particles:
    """Pin each singular direction to its datum as long as the state is noisier, particle-wise.

    With ``A = U diag(s) V^T``, ``t_i = sigma_y / s_i`` and the potentials g of `Pinned` on the
    directions with ``nsr >= t_i``: ``x_b ~ p(x_b | x_a) g_b(x_b)``, weight
    ``int p(x_b | x_a) g_b(x_b) dx_b / g_a(x_a)``, multinomial resampling at every step; p is the
    DDIM(eta) kernel. Operators with a singular value decomposition; no backward pass;
    ``particles`` network evaluations per step. Prior and datum both pull at a pinned direction: its
    noise is by up to two thirds less than the network takes it for, which only many particles make
    up for. Pictures from few of them come out mottled.

    Reference: Cardoso et al., 2024, arXiv:2308.07983 (MCGdiff). Released: 64 particles
    (10000 for outpainting), 100 steps, eta 1, kappa 1e-4.
    Departures: when a direction comes free its last potential is kept as the datum's likelihood.
    The released code divides it out again and weighs by the likelihood at the end, which is
    right on average but by weights of boundless variance. t_i is not rounded to a level of the
    grid; the levels are those of the continuous VP path, evenly spaced in time.
    """
    grid = Grid(steps, VP(), start=150.0, end=0.01, spacing="time")
    resampling = Resampling(threshold=1.0, scheme="multinomial")
    return Particles(prior, Pinned(DDIM(eta), kappa), grid, particles, resampling)
