"""Our samplers as azula's: the walk from the state that azula draws."""

import pytest
import torch

from inverse import solvers
from inverse.levels import Level
from inverse.priors import GaussianPrior
from inverse.samplers import State
from inverse.solving import Budget, as_azula, solve
from operators import Rng, gaussian, inpaint_random, measure

azula = pytest.importorskip("azula", reason="azula is not installed")
SHAPE = (3, 8, 8)
PRIOR = GaussianPrior(SHAPE, torch.full((192,), 0.2), 0.1 * torch.eye(192))
TRUTH = 0.2 + 0.3 * Rng([5, 6]).normal((2, *SHAPE))
PROBLEM = measure(inpaint_random(SHAPE, keep=0.5), gaussian(0.05), TRUTH, Rng([0, 1]))


def sampler(**options):
    return as_azula(solvers.ddrm(PRIOR, steps=12), PROBLEM, **options)


def test_it_is_azulas_and_walks_from_the_state_that_azula_draws():
    it = sampler(seed=7)
    assert isinstance(it, azula.sample.Sampler)
    torch.manual_seed(0)
    x = it.init((2, *SHAPE))
    found = it(x)
    alpha, sigma = (float(v) for v in azula.noise.VPSchedule()(torch.tensor(1.0)))
    at = State(x, Level(alpha, sigma))
    assert torch.equal(found, solve(solvers.ddrm(PRIOR, steps=12), PROBLEM, Rng([7, 8]), at=at).x0)
    assert float((found - TRUTH).square().mean()) < float((TRUTH - 0.2).square().mean())


def test_a_later_start_and_another_schedule_take_less_of_the_walk():
    it = sampler(start=0.2, schedule=azula.noise.VESchedule())
    noisy = it.init((2, *SHAPE), mean=TRUTH, var=0.0)
    assert float((it(noisy) - TRUTH).square().mean()) < 0.05
    assert torch.isfinite(sampler(budget=Budget(nfe=4))(sampler().init((2, *SHAPE)))).all()


def test_a_state_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"x must be \(2, 3, 8, 8\)"):
        sampler()(torch.zeros(1, *SHAPE))
