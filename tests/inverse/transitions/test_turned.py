"""Turned noise on a Gaussian, in closed form: what it ends at, how soon, and with what spread."""

from itertools import pairwise

import pytest
import torch

from inverse import solvers
from inverse.denoise import Estimate, Move
from inverse.levels import Grid, Level
from inverse.priors import GaussianPrior
from inverse.samplers import Process
from inverse.transitions import DDIM, Anneal, Turned
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem

VALUES = torch.logspace(-1.7, 0.3, DIM, dtype=torch.float64)
PRIOR = GaussianPrior(SHAPE, torch.zeros_like(VALUES), VALUES.diag())
LEVELS = Grid(8, start=0.5, end=0.05, spacing="log")


def ends(transition, count: int) -> torch.Tensor:
    """The last estimates (count, DIM), whose mean is 0."""
    problem, _ = dense_problem(batch=count)
    process = Process(PRIOR, transition, LEVELS)
    return list(process.iterate(problem, Rng64(range(count))))[-1].x0.flatten(1)


def variances(zeta: float, sign: float) -> torch.Tensor:
    """Those of the last estimate: `x0 = q x`, `x <- (q + sign r (1 - q)) x + sigma' n`."""
    levels = LEVELS(None)
    found = torch.full_like(VALUES, levels[0].nsr ** 2)
    for a, b in pairwise(levels):
        q = VALUES / (VALUES + a.nsr**2)
        if b.nsr == 0:
            return q**2 * found
        kept = q + sign * (1 - zeta) ** 0.5 * b.nsr / a.nsr * (1 - q)
        found = kept**2 * found + zeta * b.nsr**2
    raise AssertionError("the walk did not end at clean")


@pytest.mark.parametrize("zeta", [0.0, 0.01, 0.5])
def test_turned_noise_spreads_as_its_recursion_says(zeta):
    found = ends(Turned(zeta), 3000).square().mean(0)
    torch.testing.assert_close(found, variances(zeta, -1.0), rtol=0.15, atol=1e-12)


def test_turned_noise_ends_nearer_to_the_mean_than_none_at_equal_calls():
    """But where the prior is surest, `v << sigma^2`, there it overshoots."""
    turned, none, kept = (variances(0.0, sign) for sign in (-1, 0, 1))
    assert torch.all(none < kept)
    assert torch.all(turned[1:] < none[1:])
    assert turned[0] > none[0]


def test_turned_noise_does_not_sample_the_prior():
    assert torch.all(variances(0.5, -1) < 0.2 * VALUES)


def test_one_step_is_the_released_rule():
    x0, noise = torch.full((1, 1, 1, 1), 0.3), torch.full((1, 1, 1, 1), 2.0)
    move = Move(
        x0 + 0.5 * noise, Estimate(x0, noise), Level(1, 0.5), Level(1, 0.2), None, None, None
    )
    x, _ = Turned(0.0).step(move, None)
    assert float(x) == pytest.approx(0.3 - 0.2 * 2.0)


def test_without_fresh_noise_a_level_that_stays_reflects():
    x0, noise = torch.full((1, 1, 1, 1), 0.3), torch.full((1, 1, 1, 1), 2.0)
    level = Level(1, 0.5)
    move = Move(x0 + 0.5 * noise, Estimate(x0, noise), level, level, None, None, None)
    assert float(Turned(0.0).step(move, None)[0]) == pytest.approx(0.3 - 0.5 * 2.0)


def test_nested_keeps_its_inner_noise_or_turns_it():
    kinds = [solvers.nested(PRIOR, inner_eta=n).denoiser.sampler for n in (None, 1.0)]
    assert [type(chain.transition) for chain in kinds] == [Turned, DDIM]


def test_all_fresh_noise_is_annealing_at_full_temperature():
    x0, noise = torch.full((1, 1, 4, 4), 0.3).double(), torch.full((1, 1, 4, 4), 2.0).double()
    x, levels = x0 + 0.5 * noise, (Level(1, 0.5), Level(1, 0.2))
    fresh = [
        rule.step(Move(x, Estimate(x0, noise), *levels, None, Rng64([3]), None), None)[0]
        for rule in (Turned(1.0), Anneal(1.0))
    ]
    torch.testing.assert_close(*fresh)
