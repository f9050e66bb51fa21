"""PiGDM: pseudo-inverse guided diffusion."""

from inverse.denoise import Guided, Prior
from inverse.flows import Pinv, PinvScore
from inverse.levels import VP, Grid
from inverse.samplers import Process
from inverse.starts import PinvStart
from inverse.transitions import DDIM


def pigdm(
    prior: Prior,
    *,
    steps: int = 100,
    eta: float = 1.0,
    data_variance: float | None = 1.0,
    start: float = 150.0,
    end: float = 0.01,
    damped: bool = True,
    integrate: bool = False,
) -> Process:
    """A DDIM step plus the score of the data when x0 given x is Gaussian of variance r^2.

    `x_b = DDIM(x, x0) + a_b a g`, `g = J^T A^T (A A^T + sigma_y^2 / r^2 I)^{-1} (y - A x0)`,
    `r^2 = nsr^2 / (1 + nsr^2 / data_variance)`, from `a A^+ y + s n`. Linear operators; one
    backward pass per step.

    Reference: Song et al., 2023, ICLR, openreview:9_gsMA8MRKQ, Alg. 1, which adds a g, without
    a_b: `damped=False`. Released in the repository of RED-diff (Mardani et al., 2023,
    arXiv:2305.04391), where `mcg` is the undamped form; eta is 0 in its configuration, 1 in its
    commands.
    Departures: r^2 as for a variance exploding path at equal nsr, which on the variance
    preserving path is sigma^2, as it should be (the paper's formula mixes the two); g counts
    the noise, as in the paper (released: A^+, for noiseless data); sigma_y is 1e-3 at least.

    g is added whole at every step, however short: more steps guide more, undamped far more than 20
    overshoot where A is ill-conditioned (benchmarks/README.md). With `integrate` it is a score,
    `x_b = DDIM(x, x0 + s^2 / (a r^2) g)`, from noise, and the steps converge: closer to the
    posterior where that is known, less faithful to the data on photographs.
    """
    grid = Grid(steps, VP(), start=start, end=end, spacing="time")
    if integrate:
        return Process(Guided(prior, PinvScore(data_variance)), DDIM(eta), grid)
    flow = Pinv(data_variance, damped)
    return Process(prior, DDIM(eta), grid, flow=flow, start=PinvStart())
