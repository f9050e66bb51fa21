"""DDNM: denoising diffusion null-space model."""

from inverse.denoise import Conditioned, Prior
from inverse.levels import VP, Grid
from inverse.samplers import Process
from inverse.steps import Project
from inverse.transitions import Renoise, Restart


def ddnm(
    prior: Prior,
    *,
    steps: int = 100,
    eta: float = 0.85,
    jump: int = 1,
    repeats: int = 1,
    start: float = 150.0,
    end: float = 0.01,
) -> Process:
    """Project the estimate on the data's affine subspace at every step.

    `x0' = x0 + A^+ (y - A x0)`, `x_b = a_b x0' + s_b (sqrt(1 - eta^2) noise + eta n)` with the
    noise of the unprojected estimate. For noiseless data: noise in y goes straight into the image.

    Reference: Wang et al., 2022, arXiv:2212.00490, Alg. 1 (Alg. 2 with `jump, repeats`).
    Departures: levels of the continuous VP path instead of 1000 discrete betas. Time travel noises
    the last unprojected x0 afresh, as released (Alg. 2 diffuses the state).
    """
    grid = Grid(steps, VP(), start=start, end=end, spacing="time", jump=jump, repeats=repeats)
    denoiser = Conditioned(prior, Project(), keep_noise=True)
    return Process(denoiser, Restart(Renoise(eta**2)), grid)
