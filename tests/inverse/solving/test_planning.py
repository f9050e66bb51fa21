"""Planned walks: they end, clean, where the budget ends."""

import time

import pytest
import torch

from inverse.levels import SPACINGS, VP, Grid, Ladder
from inverse.priors import GaussianPrior
from inverse.samplers import Process
from inverse.solvers import ddnm, nested
from inverse.solving import Budget, Planned, solve
from inverse.transitions import DDIM
from operators import Rng, gaussian, inpaint_random, measure

SHAPE = (1, 4, 4)


class Timed(GaussianPrior):
    """A prior on a clock of its own: a call takes ``pace(calls so far)`` seconds."""

    def __init__(self, pace=lambda calls: 1.0):
        super().__init__(SHAPE, torch.zeros(16), torch.eye(16))
        self.pace, self.calls, self.now = pace, 0, 0.0

    def denoise(self, x, level):
        self.now += self.pace(self.calls)
        self.calls += 1
        return super().denoise(x, level)


@pytest.fixture
def timed(monkeypatch):
    def make(pace=lambda calls: 1.0):
        prior = Timed(pace)
        monkeypatch.setattr(time, "monotonic", lambda: prior.now)
        return prior

    return make


def problem(count=1):
    truth = torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return measure(inpaint_random(SHAPE, keep=0.5), gaussian(0.05), truth, Rng(range(count)))


def planned(prior, budget, make=nested, **constants):
    sampler = Planned(make(prior, **constants), budget)
    return solve(sampler, problem(), Rng([3]), budget, keep=100)


@pytest.mark.parametrize("nfe", [3, 6, 11, 24, 60, 100])
def test_a_budget_of_calls_is_used_and_kept(nfe, timed):
    result = planned(timed(), Budget(nfe=nfe), inner_most=3)
    assert nfe - 3 < result.nfe <= nfe and result.finished


@pytest.mark.parametrize("seconds", [4.0, 10.0, 33.5, 200.0])
def test_a_budget_of_time_is_used_and_kept(seconds, timed):
    prior = timed()
    result = planned(prior, Budget(seconds=seconds), inner_most=3)
    assert seconds - 4 < prior.now <= seconds and result.finished


def test_a_machine_that_slows_down_gets_a_shorter_plan(timed):
    prior = timed(lambda calls: 1.0 if calls < 12 else 5.0)
    result = planned(prior, Budget(seconds=60.0), inner_most=3)
    assert prior.now <= 60 and result.nfe < 30 and result.snapshots[-1].nfe == result.nfe


def test_the_first_estimate_comes_as_soon_as_without_a_plan(timed):
    result = planned(timed(), Budget(nfe=60), inner_least=3, inner_most=3)
    assert result.snapshots[0].nfe == 3


def test_without_a_budget_the_walk_is_as_it_was(timed):
    prior = timed()
    plain = list(nested(prior, outer_steps=5).iterate(problem(), Rng([3])))
    same = list(Planned(nested(prior, outer_steps=5), Budget()).iterate(problem(), Rng([3])))
    assert [i.step for i in same] == [1, 2, 3, 4, 5] and all(i.steps == 5 for i in same)
    for a, b in zip(plain, same, strict=True):
        assert torch.allclose(a.x, b.x, atol=1e-6) and a.level.nsr == pytest.approx(b.level.nsr)


def test_levels_descend_to_clean_whatever_the_plan(timed):
    for nfe in (6, 10, 40):
        sampler = Planned(ddnm(timed(), steps=20), Budget(nfe=nfe))
        levels = [i.level.nsr for i in sampler.iterate(problem(), Rng([3]))]
        assert levels == sorted(levels, reverse=True) and levels[-1] == 0 and len(levels) == nfe


def test_resuming_goes_on_from_there(timed):
    sampler = Planned(nested(timed(), outer_steps=5), Budget())
    rng = Rng([3])
    walk = sampler.iterate(problem(), rng)
    middle = [next(walk), next(walk)][-1]
    rest = list(sampler.iterate(problem(), rng, middle))
    assert [i.step for i in rest] == [3, 4, 5] and rest[-1].level.sigma == 0


def test_resuming_keeps_to_the_plan_that_was_made(timed):
    sampler = Planned(nested(timed(), outer_steps=3, inner_most=2), Budget(nfe=20))
    walk = sampler.iterate(problem(), Rng([3]))
    middle = [next(walk) for _ in range(4)][-1]  # of ten steps, more than the grid's own three
    rest = list(sampler.iterate(problem(), Rng([3]), middle))
    assert [i.step for i in rest][:3] == [5, 6, 7] and len(rest) == 10


def test_solving_from_an_iterate_counts_from_there_and_falls_back_on_it(timed):
    sampler, rng = nested(timed(), outer_steps=4, inner_least=3, inner_most=3), Rng([3])
    whole = list(sampler.iterate(problem(), Rng([3])))
    walk = sampler.iterate(problem(), rng)
    middle = [next(walk), next(walk)][-1]
    state = rng.state()
    result = solve(sampler, problem(), rng, at=middle)
    assert result.nfe == 6 and torch.equal(result.x0, whole[-1].x0)
    rng.restore(state)

    def stop(meter, last):
        raise KeyboardInterrupt

    stopped = solve(sampler, problem(), rng, at=middle, watch=stop)
    assert not stopped.finished and torch.equal(stopped.x0, middle.x0)


def test_only_plain_grids_can_be_planned(timed):
    prior = timed()
    with pytest.raises(ValueError, match="travels back"):
        Planned(ddnm(prior, repeats=2), Budget())
    ladder = Process(prior, DDIM(), Ladder(3, start=1.0, decay=0.5, end=0.1))
    with pytest.raises(TypeError, match="walks a Grid"):
        Planned(ladder, Budget())


@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_plan_that_does_not_change_is_the_grid(spacing):
    grid = Grid(5, VP(), start=30.0, end=0.02, spacing=spacing)
    level, levels = grid()[0], [grid()[0].nsr]
    for left in range(5, 0, -1):
        level = grid.after(level, left)
        levels.append(level.nsr)
    assert levels == pytest.approx([one.nsr for one in grid()])
