"""RDDM: residual denoising, by a network that is told a crude restoration."""

from inverse.denoise import Denoiser
from inverse.levels import Grid, Residual
from inverse.samplers import Process
from inverse.starts import WienerStart
from inverse.transitions import Brownian

START = 80.0  # of nsr, for the infinite one of time 1


def rddm(prior: Denoiser, *, steps: int = 5, c: float = 1.0, eta: float = 0.0) -> Process:
    """Walk from a crude restoration y0 to the image, taking away residual and noise.

    `x = (1 - t)^2 x0 + sqrt(c) t n` with the state less its known shift `(1 - (1 - t)^2) y0`, begun
    at y0 and noise; then `x_b = (1 - t_b)^2 x0 + sqrt(c) t_b (sqrt(1 - w) noise + sqrt(w) n)`,
    `w = eta^2 (1 - (t_b / t_a)^2)`, for even t. x0 is the estimate of a network that is told y0
    (`Informed`), the Wiener restoration; no other data step.

    For a network trained on this measurement, see `resshift`; any other prior sees the data at the
    start alone.

    Reference: Liu et al., 2024, arXiv:2308.13712, with the schedules of the released code.
    Departures: one network that estimates x0 tells the residual, `y0 - x0`, and the noise; y0 is
    the Wiener restoration; begun where nsr is 80, as at t = 1 nothing of x0 is in the state.
    """
    path = Residual(c)
    grid = Grid(steps, path, start=START, end=path(1 / steps).nsr, spacing="time")
    return Process(prior, Brownian(eta), grid, start=WienerStart(1.0))
