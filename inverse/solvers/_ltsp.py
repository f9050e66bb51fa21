"""LTSP: Lie-Trotter splitting of guided sampling."""

from inverse.denoise import Prior
from inverse.flows import PinvScore, ScoreFlow
from inverse.levels import DATA_FIRST, vp_grid
from inverse.samplers import Process
from inverse.transitions import Multistep


def ltsp(
    prior: Prior, *, steps: int = 50, order: int = 4, data_variance: float | None = 1.0
) -> Process:
    """An Euler step of the data's flow, then a multistep step of the prior's.

    `d(x / alpha) / d nsr = noise(x) - sigma grad log p(y | x)` is split into its two terms: the
    second by Euler's rule, the first by Adams-Bashforth of `order` 1 to 4 (PLMS) on the noise
    estimates that earlier steps made, on the other side of their data steps. First order whatever
    `order` is (`stsp` tells more). `p(y | x)` is PiGDM's; two network evaluations and one
    backward pass per step. Linear operators.

    Reference: Wizadwongsa and Suwajanakorn, 2023, arXiv:2301.11558 (LTSP4: order 4).
    Departures: the released code guides by a classifier; here by the likelihood of the data. The
    weights are exact for the actual levels (released: those of equal steps) and orders 3 and 4
    start with Runge-Kutta steps instead of lower orders. The order of the two is the released one.
    Estimates are not clipped to [-1, 1], which is left to the prior.
    """
    grid = vp_grid(steps)
    flow = ScoreFlow(PinvScore(data_variance))
    return Process(prior, Multistep(order), grid, flow, DATA_FIRST)
