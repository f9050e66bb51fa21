"""FAST-DIPS: hard data constraints by analytic steps, for any operator."""

from inverse.denoise import Conditioned, Prior
from inverse.priors import Between
from inverse.samplers import Process
from inverse.solvers._daps import annealing
from inverse.steps import Feasible
from inverse.transitions import Renoise


def fast_dips(
    prior: Prior,
    *,
    steps: int = 150,
    lam: float = 2.0,
    rounds: int = 1,
    gradients: int = 5,
    eps: float | None = 0.05,
    start: float = 100.0,
    end: float = 0.1,
) -> Process:
    """At every level: estimate, correct into the ball about the data, fresh noise.

    `x0' = argmin ||x - x0||^2` where `||A(x) - y|| <= eps`, by few steps of its splitting
    (`Feasible`), `x_b = x0' + s_b n`; the last estimate is the network's alone. One call a step, no
    backward pass through the network, any differentiable operator. The levels are those of `daps`.

    Reference: Kim et al., 2026, arXiv:2603.01591, and its released code: 150 steps of K = 2 and
    S = 5 (phase retrieval, high dynamic range), 75 of 3 and 1 (super-resolution, inpainting), 50 of
    3 and 2 (deblurring), eps 0.05 whatever the noise and the size of y; K is `rounds + 1`, S is
    `gradients`. Its rho, 200 in all but high dynamic range (5), is lam = 2 (80) at noise 0.05.
    Departures: rho follows the noise; steps are the linear model's own (released: by differences,
    1 at most), and where halving does not help the image stays. eps = null is `sigma_y sqrt(m)`.
    """
    grid = annealing(steps, start, end)
    corrected = Conditioned(prior, Feasible(lam, rounds, gradients, eps, mirrored=True))
    return Process(Between(corrected, prior, low=grid.end * (1 + 1e-6)), Renoise(1), grid)
