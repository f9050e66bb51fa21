"""DAPS: decoupled annealing posterior sampling."""

from itertools import pairwise

from torch import Tensor

from inverse.denoise import Conditioned, Denoiser, Estimate, Prior, estimate
from inverse.levels import Grid, Level
from inverse.samplers import Process
from inverse.steps import Langevin
from inverse.transitions import Renoise
from inverse.transitions.ode import euler
from operators import Problem, Rng


class Flowed(Denoiser):
    """The state of noise level `end` that the probability flow takes x to: `steps` Euler steps.

    They are EDM's, on `steps + 1` levels. The state itself and not the estimate made there: what
    it has of noise, `end`, is little.
    """

    def __init__(self, prior: Prior, steps: int, end: float = 0.01) -> None:
        super().__init__()
        if steps < 1:
            raise ValueError(f"daps: need ode_steps >= 1, got {steps}")
        self.prior, self.grid = prior, Grid(steps + 1, end=end)

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        state = x
        for a, b in pairwise(self.grid(level)[:-1]):
            state = euler(state, self.prior(state, a, problem, rng).noise, a, b)
        return estimate(x, state, level)


def annealing(steps: int, start: float, end: float) -> Grid:
    """The first `steps` of the `steps + 1` levels that EDM's rule puts from `start` to `end`."""
    lowest = Grid(1, start=start, end=end).between(start, end, 1 - 1 / max(steps, 2))
    return Grid(steps, start=start, end=lowest.nsr)


def daps(
    prior: Prior,
    *,
    steps: int = 200,
    ode_steps: int = 5,
    langevin: int = 100,
    rate: float = 1.0,
    walk: float | None = 0.14,
    tau: float | None = 0.01,
    momentum: float = 0.0,
    start: float = 100.0,
    end: float = 0.1,
) -> Process:
    """At every level: to a clean image along the flow, Langevin towards the data, fresh noise.

    `x0 = ODE(x)` in `ode_steps` Euler steps to noise of 0.01 (`Flowed`), x0' a sample of
    `exp(-||y - A x||^2 / (2 tau^2) - ||x - x0||^2 / (2 nsr^2))` by `langevin` gradients (see
    `Langevin`), `x_b = x0' + s_b n`. The levels are `steps` of the `steps + 1` that EDM's
    rule puts from `start` to `end`, which itself is left out, as released. Any differentiable
    operator, no backward pass through the network. A sampler of its own approximation, not of the
    posterior: under a Gaussian prior it widens the variance about twofold
    (tests/inverse/solvers/test_langevin.py). So the more the Langevin chain mixes where nothing is
    measured, the noisier the image: `walk` bounds it.

    Reference: Zhang et al., 2024, arXiv:2407.01521, Alg. 1; released: 200 levels of 5 calls, 100
    gradients, tau 0.01 whatever the noise, step sizes 1e-4 (super-resolution, random inpainting,
    Gaussian deblurring), 5e-5 (box inpainting, motion deblurring, phase retrieval), 2e-5 (high
    dynamic range): walks of 0.14, 0.10 and 0.06, and at ||A|| = 1 rates of 1, 0.5 and 0.2. The
    released Hamiltonian variant, also without an accept step, has its own numbers for every task,
    such as 12 gradients at momentum 0.9 (super-resolution); `daps_hmc.yaml` has 20 for all.
    Nonlinear blur has 200 gradients at a step size of 1e-5.
    Departures: the step size is the released one, 1e-4, unless that is more than `rate` times
    the largest stable one (A of larger norm); the data gradient is that of `||r||^2 / (2 tau^2)`
    (the released code drops the 2). tau = null is sigma_y, the true noise, which takes longer
    walks to fit the data: on data of another scale than images set `walk` to null.
    Where the operator rounds, tau is sigma_y if that is more (`Langevin`).
    """
    grid = annealing(steps, start, end)
    least = 1 - 0.99 * steps / (steps + 1)
    step = Langevin(langevin, rate, tau, momentum, start, end, walk, least)
    return Process(Conditioned(Flowed(prior, ode_steps), step), Renoise(1), grid)
