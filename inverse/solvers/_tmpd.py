"""TMPD: Tweedie moment projected diffusion, with the diagonal approximation for images."""

from inverse.denoise import Guided, Prior
from inverse.flows import RowSumScore
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.transitions import DDIM


def tmpd(prior: Prior, *, steps: int = 100, eta: float = 1.0, floor: float = 0.1) -> Process:
    """Ancestral sampling by the posterior score of a Gaussian with Tweedie's moments, no step size.

    `x0' = x0 + C A^T (d + sigma_y^2)^{-1} (y - A x0)`, `C = s^2 / a J^T` the covariance of x0
    given x, d the row sums of `A C A^T`; `x_b = DDIM(eta)`. Linear operators; two backward
    passes per step. Exact for a Gaussian prior where `A C A^T` is diagonal; `mmps` with enough
    iterations is the rule without that approximation.

    Reference: Boys et al., 2023, arXiv:2310.06721 (TMPD-D, its 1000 steps of Euler-Maruyama or
    DDIM).
    Departures: 100 levels of the continuous VP path; row sums below `floor` times their mean are
    raised to it, since with a network's Jacobian they come out near zero or negative, and a score
    that would overshoot the measurements is scaled down (`RowSumScore`).
    """
    grid = vp_grid(steps)
    return Process(Guided(prior, RowSumScore(floor)), DDIM(eta), grid)
