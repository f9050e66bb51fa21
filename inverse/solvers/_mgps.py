"""MGPS: variational diffusion posterior sampling with midpoint guidance."""

from typing import NamedTuple

import torch
from torch import Tensor

from inverse.denoise import BACKWARD, Evaluation, Prior, noise_variance
from inverse.levels import CLEAN, Grid, Level, vp_grid
from inverse.samplers import Descent
from inverse.solvers._adam import adam
from inverse.starts import PureNoise
from operators import Problem, Rng


def bridge(end: Tensor, c: Level, x: Tensor, a: Level, b: Level) -> tuple[Tensor, float]:
    """Mean and standard deviation of the state at `b` given those at `c` and `a`, c < b < a.

    `x_b / alpha_b ~ N(z_c + w (z_a - z_c), w (1 - w) (t_a^2 - t_c^2))`, `z = x / alpha`,
    `t = nsr`, `w = (t_b^2 - t_c^2) / (t_a^2 - t_c^2)`: the forward process pinned at both ends.
    """
    whole = a.nsr**2 - c.nsr**2
    w = (b.nsr**2 - c.nsr**2) / whole
    mean = (end * ((1 - w) / c.alpha)).add_(x, alpha=w / a.alpha).mul_(b.alpha)
    return mean, b.alpha * (w * (1 - w) * whole) ** 0.5


class Last(NamedTuple):
    """How many steps were made, and the estimate of the last one's fit (None before it)."""

    count: int
    x0: Tensor | None


class Bursts(NamedTuple):
    """Which steps take `burst` gradients and not `gradients`.

    The first `opening` ones, and those with a multiple of `period` steps to go, themselves
    counted; but none with `closing` or fewer to go.
    """

    gradients: int
    burst: int
    period: int
    opening: int
    closing: int

    def count(self, done: int, left: int) -> int:
        """Gradients of a step with `done` steps behind it and `left` to go, itself counted."""
        chosen = done < self.opening or left % self.period == 0
        return self.burst if chosen and left > self.closing else self.gradients


class Midpoint(Descent[Last]):
    """Guidance at a level well below the next, then back up to the next along the bridge.

    See `mgps` for the update.
    """

    needs = frozenset({BACKWARD})

    def __init__(
        self, prior: Prior, grid: Grid, fraction: float, rate: float, bursts: Bursts
    ) -> None:
        super().__init__(grid)
        if not 0 < fraction <= 1 or rate <= 0 or min(bursts[:3]) < 1 or min(bursts[3:]) < 0:
            raise ValueError(
                "mgps: need 0 < fraction <= 1, rate > 0, gradients, burst, period >= 1 and "
                f"opening, closing >= 0, got {fraction}, {rate} and {bursts}"
            )
        self.prior, self.fraction, self.rate, self.bursts = prior, fraction, rate, bursts

    def init_memory(self) -> Last:
        return Last(0, None)

    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, Last]:
        return PureNoise()(problem, rng, level), self.init_memory()

    def step(
        self, x: Tensor, a: Level, b: Level, memory: Last, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, Last]:
        x0 = self.prior(x, a, problem, rng).x0
        if b == CLEAN:
            return x0, x0, Last(memory.count + 1, x0)
        path = self.grid.schedule
        count = self.bursts.count(memory.count, self.grid.steps - memory.count)
        c = path(self.fraction * path.time(b.nsr))
        law = bridge(x0, CLEAN, x, a, c)
        begin = law[0] if memory.x0 is None else bridge(memory.x0, CLEAN, x, a, c)[0]
        middle = self._fit(begin, law, c, count, problem, rng)
        x0 = self.prior(middle, c, problem, rng).x0
        mean, spread = bridge(middle, c, x, a, b)
        return mean.add_(rng.normal(x.shape), alpha=spread), x0, Last(memory.count + 1, x0)

    def _fit(
        self,
        begin: Tensor,
        law: tuple[Tensor, float],
        c: Level,
        count: int,
        problem: Problem,
        rng: Rng,
    ) -> Tensor:
        """A draw of the Gaussian fitted from mean `begin` to `law` at c and to the data."""
        mean, spread = law
        variance = noise_variance(problem)

        def nll(x0: Tensor) -> Tensor:
            return problem.residual(x0).square().flatten(1).sum(1) / (2 * variance)

        # The parameters: the mean of q, and the log of its deviation over the bridge's.
        q, moments = torch.stack([begin, torch.zeros_like(begin)]), None
        for _ in range(count):
            noise = rng.normal(mean.shape) * q[1].exp() * spread
            ev = Evaluation(self.prior, q[0] + noise, c, problem, rng, differentiable=True)
            slope = ev.gradient(nll)
            shift = slope + (q[0] - mean) / spread**2
            grow = slope * noise + (2 * q[1]).exp() - 1
            step, moments = adam(torch.stack([shift, grow]), moments, self.rate)
            q = q + step
        return rng.normal(mean.shape).mul_(q[1].exp()).mul_(spread).add_(q[0])


def mgps(
    prior: Prior,
    *,
    steps: int = 300,
    fraction: float = 0.5,
    rate: float = 0.03,
    gradients: int = 2,
    burst: int = 20,
    period: int = 10,
    opening: int = 5,
    closing: int = 20,
) -> Midpoint:
    """Guide at a midpoint, where the estimate is trustworthy, and bridge back to the next level.

    From x at level a to b: c at `fraction` of the time of b, q = N(mu, diag(v)) at c fitted by
    `min_q E_q ||y - A D(x_c)||^2 / (2 sigma_y^2) + KL(q || bridge(x_c | x, D(x)))` with Adam, one
    draw per gradient, from `bridge(x_c | x, x0)` of the last step's `x0 = D(x_c)`; then
    `x_c ~ q`, `x_b ~ bridge(x_b | x_c, x)` (see `bridge`). The last step is the denoiser.
    `gradients` per step, `burst` at some (see `Bursts`), each one forward and one backward
    pass, and two forward passes per step. Any differentiable operator.

    Reference: Moufad et al., 2024, arXiv:2410.09945, Alg. 1; released for FFHQ: 300 steps, fraction
    0.5, rate 0.03, 20 gradients at the first five and every tenth step, counted from the end, 2 at
    the others and at all of the last 20. ImageNet: 20 at the first five, 10 at every twentieth, 2
    in the last 10; by default 10 at the first ten and 2 else.
    Departures: continuous VP levels; no warm start of the noisy steps (released for images: above
    0.7 of the time an estimate is fitted and carried along); sigma_y below 1e-3 counts as 1e-3.
    """
    grid = vp_grid(steps)
    return Midpoint(prior, grid, fraction, rate, Bursts(gradients, burst, period, opening, closing))
