"""Residual paths: their steps are the published ones, and what their chains do to a Gaussian."""

import math

import pytest
import torch

from inverse.denoise import Denoiser, Move, estimate
from inverse.levels import CLEAN, VE, Grid, Level, Residual, Shift
from inverse.samplers import Process
from inverse.starts import RestorerStart
from inverse.transitions import DDIM, Brownian
from operators import Problem, Rng, gaussian, identity

ONE = (1, 1, 1)


def walk_of(steps: int) -> Grid:
    path = Shift(2.0)
    return Grid(steps, path, start=path(1.0).nsr, end=path(0.0).nsr, spacing="time")


def moved(rule, x, x0, a: Level, b: Level) -> tuple[float, float]:
    """Mean and standard deviation of a step's end, from two draws of its noise."""

    class Drawn(Rng):
        value = 0.0

        def normal(self, shape, dtype=None):
            return torch.full(tuple(shape), self.value, dtype=torch.float64)

    ends = []
    for value in (0.0, 1.0):
        rng = Drawn([0])
        rng.value = value
        state, clean = (torch.full((1, *ONE), v, dtype=torch.float64) for v in (x, x0))
        move = Move(state, estimate(state, clean, a), a, b, None, rng, None)
        ends.append(float(rule.step(move, None)[0]))
    return ends[0], ends[1] - ends[0]


@pytest.mark.parametrize("k", [1.0, 2.0])
@pytest.mark.parametrize("steps", [4, 15])
def test_steps_are_the_posterior_of_residual_shifting(k, steps):
    path, x, x0, y0 = Shift(k), 0.7, 0.3, -0.4
    for t in range(1, steps):
        b, a = path((t - 1) / (steps - 1)), path(t / (steps - 1))
        ea, eb = 1 - a.alpha, 1 - b.alpha
        assert math.sqrt(ea) == pytest.approx(a.sigma / k, abs=1e-12)
        mean, std = moved(Brownian(1.0), x - ea * y0, x0, a, b)
        assert abs(mean + eb * y0 - (eb / ea * x + (1 - eb / ea) * x0)) < 1e-12
        assert abs(std**2 - k**2 * eb / ea * (ea - eb)) < 1e-12


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("c", [0.01, 1.0])
def test_steps_are_those_of_residual_denoising(eta, c):
    path, x, x0, y0 = Residual(c), 0.7, 0.3, -0.4
    for t in range(2, 10):
        a, b = path(t / 10), path((t - 1) / 10)
        passed, spread = 1 - a.alpha - (1 - b.alpha), eta * b.sigma
        spread *= math.sqrt(1 - (b.sigma / a.sigma) ** 2)
        residual = y0 - x0
        noise = (x - x0 - (1 - a.alpha) * residual) / a.sigma
        kept = math.sqrt(b.sigma**2 - spread**2)
        expected = x - passed * residual - (a.sigma - kept) * noise
        mean, std = moved(Brownian(eta), x - (1 - a.alpha) * y0, x0, a, b)
        assert abs(mean + (1 - b.alpha) * y0 - expected) < 1e-12 and abs(std - spread) < 1e-12


def test_paths_of_much_noise_and_brownian_steps_are_those_of_exploding_variance():
    for nsr in (0.3, 2.0):
        level = Shift(1e6).at(nsr)
        assert level.alpha == pytest.approx(1, abs=1e-10)
        assert level.sigma == pytest.approx(nsr, rel=1e-9)
    a, b = VE()(2.0), VE()(0.5)
    assert Brownian(0.6).share(a, b) == pytest.approx(DDIM(0.6).share(a, b), abs=1e-15)


def test_the_first_and_the_last_level_of_residual_shifting_are_the_released_ones():
    levels = walk_of(4)()
    assert [round(level.nsr, 2) for level in levels[:-1]] == [99.5, 3.62, 1.43, 0.2]
    assert levels[-1] == CLEAN


def test_a_forward_chain_of_brownian_motion_has_the_marginals_of_the_path():
    rng, path, y0 = torch.Generator().manual_seed(0), Shift(1.0), 0.5
    x0 = torch.randn(200_000, generator=rng, dtype=torch.float64)
    x, e = x0.clone(), 0.0
    for t in (0.0, 0.3, 0.6, 1.0):
        ahead = 1 - path(t).alpha
        x = x + (ahead - e) * (y0 - x0)
        x = x + path.k * math.sqrt(ahead - e) * torch.randn(len(x), generator=rng).double()
        e = ahead
        noise = (x - e * y0 - path(t).alpha * x0) / path(t).sigma
        assert abs(float(noise.mean())) < 0.01 and abs(float(noise.std()) - 1) < 0.01


class Exact(Denoiser):
    """`E[x0 | u, y0]` of `x0 ~ N(0, 1)`, `y0 = x0 + tau n`, y0 the measurement itself."""

    def __init__(self, tau: float) -> None:
        super().__init__()
        self.variance = 1 / (1 + tau**-2)
        self.tau = tau

    def forward(self, x, level, problem, rng):
        mean, v = problem.y * self.variance / self.tau**2, self.variance
        gain = v * level.alpha / (level.alpha**2 * v + level.sigma**2)
        return estimate(x, mean + gain * (x - level.alpha * mean), level)


def spread(denoiser: Denoiser, y: float, steps: int, count: int) -> torch.Tensor:
    walk = Process(
        denoiser, Brownian(1.0), walk_of(steps), start=RestorerStart(lambda problem: problem.y)
    )
    seen = torch.full((1, 1, 1, count), y, dtype=torch.float64)
    problem = Problem(identity(seen.shape[1:]).double(), gaussian(1.0), seen)
    *_, last = walk.iterate(problem, Rng([0]))
    return last.x0


RATIOS = {
    1.0: (0.25, 0.57, 0.80, 0.89),
    0.3: (0.26, 0.38, 0.52, 0.62),
    3.0: (0.30, 0.66, 0.87, 0.94),
}


@pytest.mark.parametrize("tau", RATIOS)
@pytest.mark.parametrize("place", range(4))
def test_few_steps_are_nearly_a_point_estimate(tau, place):
    """The exact variance of a chain over that of the posterior, from its recursion."""
    steps, prior = (4, 15, 100, 1000)[place], Exact(tau)
    levels = walk_of(steps)()
    v, rule = prior.variance, Brownian(1.0)
    variance = levels[0].sigma ** 2
    for a, b in zip(levels, levels[1:], strict=False):
        gain = v * a.alpha / (a.alpha**2 * v + a.sigma**2)
        share = rule.share(a, b)
        kept = b.sigma * math.sqrt(1 - share) / a.sigma * (1 - a.alpha * gain)
        variance = (b.alpha * gain + kept) ** 2 * variance + b.sigma**2 * share
    assert abs(variance / v - RATIOS[tau][place]) <= 0.006


@pytest.mark.parametrize("steps", [4, 15])
def test_a_walk_draws_about_the_posterior_mean_with_the_spread_of_its_recursion(steps):
    drawn = spread(Exact(1.0), 0.8, steps, 40_000)
    assert abs(float(drawn.mean()) - 0.4) < 0.006
    ratio = float(drawn.var()) / 0.5
    assert abs(ratio - RATIOS[1.0][(4, 15).index(steps)]) < 0.015
