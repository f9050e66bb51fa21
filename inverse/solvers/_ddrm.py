"""DDRM: denoising diffusion restoration models."""

from inverse.denoise import Prior
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.starts import SpectralStart
from inverse.transitions import Spectral


def ddrm(prior: Prior, *, steps: int = 20, eta: float = 0.85, eta_b: float = 1.0) -> Process:
    """Diffuse in the operator's singular coordinates, each tied to the data by its own noise.

    The transition is `Spectral`, the first state `SpectralStart`. Operators with a singular value
    decomposition; no backward pass. Defaults for all tasks: eta 0.85, eta_b 1, 20 steps;
    the paper's sigma_y 0.05 is on [0, 1], 0.10 here.

    What it samples, for a Gaussian prior of variance v in each coordinate: without noise the exact
    posterior as steps grow if eta = 0; with eta > 0 the variance of what is not measured tends to
    `v (1 + sqrt(1 - eta^2)) / 2`. With noise no choice is exact, for below `tau = sigma_y / s`
    the estimate of one step, and not a sample, goes into the next: the mean is nearly right with
    the 20 steps published; with many more, eta < 1 ends at y itself and eta = 1 forgets it.

    Reference: Kawar et al., 2022, arXiv:2201.11793, sec. 3.2.
    Departures: levels of the continuous VP path, one draw of noise where the released code makes
    three independent ones of which one is used, `nsr = tau` counts as measured (as in the paper;
    the released code leaves it out, so that noiseless data are not met exactly), the first state is
    at its level exactly (the released code divides it by nsr instead of by sqrt(1 + nsr^2): 2e-5
    of it).
    """
    grid = vp_grid(steps)
    return Process(prior, Spectral(eta, eta_b), grid, start=SpectralStart())
