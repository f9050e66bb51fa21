"""FPS-SMC: filtering posterior sampling with particles."""

from inverse.denoise import Prior
from inverse.levels import VP, Grid
from inverse.samplers.particles import Filtering, Particles, Resampling
from inverse.transitions import Renoise


def fps_smc(
    prior: Prior, *, steps: int = 1000, particles: int = 5, zeta: float = 0.95
) -> Particles:
    """Noise the measurement along with the image, then filter the image out of it, particle-wise.

    ``y_b = alpha_b y + sigma_b (sqrt(1 - zeta) (y_a - alpha_a y) / sigma_a + sqrt(zeta) A n)``,
    ``x_b ~ N(m, sigma_b^2 zeta I) N(y_b; A x_b, alpha_b^2 sigma_y^2 I)`` with
    ``m = alpha_b x0 + sigma_b sqrt(1 - zeta) noise``; particles weigh
    ``N(y_b; A m, sigma_b^2 zeta A A^T + alpha_b^2 sigma_y^2 I)`` and are resampled at every step.
    Linear operators; no backward pass. ``particles`` network evaluations per step; with 1 it is
    FPS, without weights. It takes the measurement noise for fresh at every level, and zeta near 1
    nearly restarts there: exact in neither respect, its spread is too small (see `Filtering`).

    Reference: Dou and Song, 2024, ICLR, openreview:tplXNcHZs1 (FPS-SMC). Released:
    zeta ("c_rate") 0.95, 5 particles, 1000 steps.
    Departures: levels of the continuous VP path; no clipping of x0; the last step draws x0 given
    the data instead of returning the mean; sigma_y is the problem's (the released code fixes it at
    0.05, draws at the level above it what it weighs at the one below, and weighs after the move,
    by ratios that differ between tasks where the rule has one constant).
    """
    grid = Grid(steps, VP(), start=150.0, end=0.01, spacing="time")
    resampling = Resampling(threshold=1.0, scheme="multinomial")
    return Particles(prior, Filtering(Renoise(zeta)), grid, particles, resampling)
