"""MMPS: moment matching posterior sampling."""

from inverse.denoise import Guided, Prior
from inverse.flows import MomentScore
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.transitions import DDIM


def mmps(prior: Prior, *, steps: int = 100, iterations: int = 3, eta: float = 1.0) -> Process:
    """Ancestral sampling by the posterior score of a Gaussian with Tweedie's moments.

    `x0' = x0 + C A^T (A C A^T + sigma_y^2 I)^{-1} (y - A x0)`, `C = s^2 / a J^T` the covariance
    of x0 given x, solved by `iterations` Krylov steps; `x_b = DDIM(eta)`. Linear operators;
    iterations + 1 backward passes per step. Exact for a Gaussian prior with enough iterations: it
    is then TMPD (Boys et al., 2023, arXiv:2310.06721) without the diagonal approximation.

    Reference: Rozet et al., 2024, arXiv:2405.13712 (posterior sampling).
    Departures: GMRES instead of conjugate gradients, which diverge where the network's Jacobian is
    not symmetric positive (so does the authors' later library); levels of the continuous VP path.
    """
    grid = vp_grid(steps)
    return Process(Guided(prior, MomentScore(iterations)), DDIM(eta), grid)
