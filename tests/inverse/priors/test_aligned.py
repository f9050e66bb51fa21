"""A denoiser told another noise level: exact where that is known, and learned where it is not."""

import math

import pytest
import torch

from inverse.levels import CLEAN, Grid, Level
from inverse.priors import Aligned, GaussianPrior
from inverse.samplers import Process, State
from inverse.solvers import nested
from inverse.training.aligning import Lesson, align
from inverse.transitions import DDIM, Heun
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem, gaussian_prior

SCALE = 0.5


def isotropic(scale=SCALE):
    return GaussianPrior(SHAPE, torch.zeros(DIM).double(), scale**2 * torch.eye(DIM).double())


def walk(prior, levels, x):
    """The end of a flow from x through the levels."""
    problem, _ = dense_problem(batch=len(x))
    process = Process(prior, DDIM(0.0), lambda start=None: tuple(levels))
    return list(process.iterate(problem, Rng64(range(len(x))), State(x, levels[0])))[-1].x


@pytest.mark.parametrize("steps", [1, 3])
def test_a_flow_told_the_aligned_levels_is_exact_on_one_variance(steps):
    levels = Grid(steps, start=8.0, end=0.2, spacing="log")()
    x = 8 * torch.linspace(-1, 1, DIM, dtype=torch.float64).view(1, *SHAPE)
    exact = x * SCALE / math.hypot(SCALE, 8.0)
    told = Aligned.exact(isotropic(), levels, SCALE)
    torch.testing.assert_close(walk(told, levels, x), exact, rtol=1e-12, atol=0)
    assert (walk(isotropic(), levels, x) - exact).abs().max() > 0.05 * exact.abs().max()


def test_ratios_lie_on_lines_between_the_levels_and_stay_beyond_them():
    told = Aligned(isotropic(), [0.1, 10.0], [0.5, 2.0])
    assert [told.ratio(s) for s in (0.01, 0.1, 1.0, 10.0, 99.0)] == pytest.approx(
        [0.5, 0.5, 1.0, 2.0, 2.0]
    )


def flow(steps, transition):
    grid = Grid(steps, start=4.0, end=0.05)
    return lambda prior: Process(prior, transition, grid)


def lesson(first, make, count=6):
    """Walks of a flow, and where they end in many steps."""
    problem, _ = dense_problem(batch=count)
    seeds = range(first, first + count)
    *_, last = make.iterate(problem, Rng64(seeds))
    return Lesson(problem, seeds, last.x0)


def test_what_is_learned_brings_a_flow_nearer_to_its_converged_end_on_other_draws_too():
    prior, few = gaussian_prior(), flow(4, DDIM(0.0))
    converged = flow(40, Heun())(prior)
    told = align(few, prior, [4.0, 0.9, 0.2], [lesson(0, converged)], evaluations=7)
    new = lesson(100, converged)

    def error(denoiser):
        *_, last = few(denoiser).iterate(new.problem, Rng64(new.seeds))
        return float((last.x0 - new.target).square().mean())

    assert error(told) < 0.3 * error(prior)


def test_one_step_learns_the_level_that_makes_it_exact():
    prior, levels = isotropic(), (Level(1.0, 0.8), CLEAN)
    problem, _ = dense_problem(batch=4)

    def make(denoiser):
        return Process(denoiser, DDIM(0.0), lambda start=None: levels)

    state = Rng64(range(4)).normal((4, *SHAPE)) * 0.8
    target = state * SCALE / math.hypot(SCALE, 0.8)
    told = align(make, prior, [0.8], [Lesson(problem, range(4), target)], evaluations=16)
    assert told.ratio(0.8) == pytest.approx(
        Aligned.exact(prior, levels, SCALE).ratio(0.8), rel=0.01
    )


def test_the_error_of_the_lessons_never_rises():
    prior = gaussian_prior()
    problem, _ = dense_problem(batch=3)
    target = torch.zeros(3, *SHAPE, dtype=torch.float64)

    def make(denoiser):
        return nested(denoiser, outer_steps=2, inner_most=1, equivariant=False)

    def error(denoiser):
        *_, last = make(denoiser).iterate(problem, Rng64(range(3)))
        return float((last.x0 - target).square().mean())

    told = align(make, prior, [0.3, 0.05], [Lesson(problem, range(3), target)], evaluations=4)
    assert error(told) <= error(prior)


def test_ratios_that_do_not_fit_their_levels_are_refused():
    for nsrs, ratios in (([], []), ([1.0], [1.0, 2.0]), ([1.0], [0.0])):
        with pytest.raises(ValueError, match="Aligned: need one positive ratio"):
            Aligned(isotropic(), nsrs, ratios)
