"""HB and GHVB: guided sampling with momentum."""

from inverse.denoise import Guided, Prior
from inverse.flows import PinvScore
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.transitions import Momentum


def momentum(
    prior: Prior,
    *,
    steps: int = 50,
    order: int = 2,
    beta: float = 0.8,
    data_variance: float | None = 1.0,
) -> Process:
    """A heavy ball on the guided noise estimate: larger steps stay stable under strong guidance.

    `v_{n+1} = (1 - beta) v_n + beta noise_n`, `x_{n+1} = x_n + h sum_j c_j grad^j v_{n+1}`
    (see `Momentum`) on the estimate guided by PiGDM's likelihood score: `order` 1 is HB, 2 to 4
    GHVB of that order, `beta` 1 Adams-Bashforth (PLMS). The paper's GHVB 1.8 is order 2,
    beta 0.8. The data are in the estimate, so the order is kept. One network evaluation and one
    backward pass per step. Linear operators.

    Reference: Wizadwongsa et al., 2024, arXiv:2307.11118, eq. 13 and 19, Alg. 2.
    Departures: the guidance is the likelihood of the data instead of a class or a text; orders 3
    and 4 start with Runge-Kutta steps; HB on rules of higher order (eq. 14) is left out, as it too
    is of first order.
    """
    grid = vp_grid(steps)
    return Process(Guided(prior, PinvScore(data_variance)), Momentum(order, beta), grid)
