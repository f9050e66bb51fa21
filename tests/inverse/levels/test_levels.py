"""Schedules invert, grids walk from start to clean."""

import math
from itertools import pairwise

import pytest

from inverse.levels import (
    CLEAN,
    SPACINGS,
    VE,
    VP,
    Cosine,
    Discrete,
    Flow,
    Grid,
    Growing,
    Level,
    Residual,
    Shift,
)
from inverse.solvers._guided_flow import Joined
from inverse.transitions import climb
from operators import Rng, seed_for

SCHEDULES = [VE(), VP(), Cosine(), Flow(), Discrete.linear(), Shift(), Residual(0.1)]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("nsr", [0.02, 0.5, 1.0, 7.0, 100.0])
def test_time_inverts_the_schedule(schedule, nsr):
    assert schedule(schedule.time(nsr)).nsr == pytest.approx(nsr, rel=1e-9)
    assert schedule.at(nsr).nsr == pytest.approx(nsr, rel=1e-9)


@pytest.mark.parametrize("schedule", [VP(), Cosine(), Discrete.linear()])
def test_variance_is_preserved(schedule):
    level = schedule.at(1.7)
    assert math.hypot(level.alpha, level.sigma) == pytest.approx(1, abs=1e-12)


def test_the_ends_of_the_paths():
    assert Flow()(1.0) == Level(0.0, 1.0) and Flow().time(math.inf) == 1.0
    assert Level(0.0, 1.0).nsr == math.inf and VP().at(0) == CLEAN


def test_discrete_levels_are_the_products_of_the_betas():
    betas = [0.1, 0.2, 0.3]
    level = Discrete(betas)(1.0)
    assert level.alpha == pytest.approx(math.sqrt(0.9 * 0.8))
    assert Discrete(betas).time(1e-9) == 0 and Discrete(betas).time(1e9) == 2
    with pytest.raises(ValueError, match="betas"):
        Discrete([0.1, 1.2])


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("schedule", [VE(), VP()], ids=["ve", "vp"])
def test_grids_descend_from_start_to_clean(spacing, schedule):
    levels = Grid(7, schedule, start=20.0, end=0.05, spacing=spacing)()
    nsrs = [level.nsr for level in levels]
    assert len(levels) == 8 and levels[-1] == CLEAN
    assert nsrs == sorted(nsrs, reverse=True)
    assert nsrs[0] == pytest.approx(20) and nsrs[-2] == pytest.approx(0.05)


@pytest.mark.parametrize("steps", [3, 8])
def test_levels_even_in_angle_keep_of_a_flow_s_spread_what_no_others_keep(steps):
    def kept(spacing: str) -> float:
        """Of the standard deviation of N(0, scale^2), by DDIM, from level to level."""
        nsrs = [level.nsr for level in Grid(steps + 1, start=9.0, end=0.1, spacing=spacing)()[:-1]]
        parts = [
            (0.25 + a * b) / math.hypot(0.5, a) / math.hypot(0.5, b) for a, b in pairwise(nsrs)
        ]
        return math.prod(parts)

    angle = math.atan(9.0 / 0.5) - math.atan(0.1 / 0.5)
    assert kept("arctan") == pytest.approx(math.cos(angle / steps) ** steps, rel=1e-12)
    assert all(kept(spacing) < kept("arctan") for spacing in SPACINGS if spacing != "arctan")


def test_a_nested_grid_begins_where_it_is_told():
    start = Level(0.6, 0.03)
    levels = Grid(4, start=20.0, end=0.05)(start)
    assert levels[0] == start and len(levels) == 5
    assert levels[-2].nsr == pytest.approx(start.nsr / 2)
    assert Grid(1)(start) == (start, CLEAN)


def test_a_joined_walk_is_one_spacing_after_another():
    then = Grid(2, start=1.0, end=0.5, spacing="log")
    walk = Joined(Grid(3, start=8.0, end=1.0, spacing="log"), then)
    assert [round(level.nsr, 6) for level in walk()] == [8.0, 4.0, 2.0, 1.0, 0.5, 0.0]
    above, below = Level(0.5, 1.5), Level(0.5, 0.4)
    assert [round(level.nsr, 3) for level in walk(above)] == [3.0, 2.08, 1.442, 1.0, 0.5, 0.0]
    assert walk(above)[0] == above and walk(below) == then(below)
    assert walk(then()[0]) == then()
    with pytest.raises(ValueError, match="Joined: "):
        Joined(then, then)


def test_time_travel_walks_back_up():
    grid = Grid(4, start=8.0, end=1.0, spacing="log", jump=2, repeats=2)
    levels = [round(level.nsr, 6) for level in grid()]
    assert levels == [8.0, 4.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 0.0]


def test_climbing_adds_the_missing_variance():
    import torch

    a, b = VP().at(0.5), VP().at(3.0)
    x = climb(torch.ones(1, 100_000), a, b, Rng([0]))
    assert float(x.mean()) == pytest.approx(b.alpha / a.alpha, abs=0.01)
    assert float(x.var()) == pytest.approx(
        b.sigma**2 - (b.alpha / a.alpha * a.sigma) ** 2, rel=0.02
    )


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"steps": 3, "start": 0.001}, {"steps": 3, "spacing": "cubic"}]
)
def test_wrong_grids_are_refused(wrong):
    with pytest.raises(ValueError, match="Grid"):
        Grid(**wrong)


def test_seeds_of_different_streams_differ():
    seeds = {seed_for(s, n, k) for s in range(20) for n in ("a", "b") for k in range(5)}
    assert len(seeds) == 200 and seed_for(3, "x") == seed_for(3, "x")


def test_a_growing_walk_has_more_steps_the_lower_it_starts():
    walk = Growing(1, 5, top=0.3, bottom=0.05, end=0.03)
    outer = Grid(10, start=0.3, end=0.05, spacing="log")()
    counts = [len(walk(level)) - 1 for level in outer[:-1]]
    assert counts == [1, 1, 1, 2, 2, 2, 3, 3, 4, 5]
    assert [walk.steps(nsr) for nsr in (9.0, 0.3, 0.05, 0.001)] == [1, 1, 5, 5]
    low = walk(outer[-2])
    assert Growing(1, 5, top=0.1, bottom=0.2, end=0.03).steps(0.2) == 5
    assert low[0] == outer[-2] and low[-1] == CLEAN and low[-2].nsr == pytest.approx(0.025)


@pytest.mark.parametrize("least, most, bottom", [(0, 3, 0.1), (4, 3, 0.1), (1, 3, 0.0)])
def test_a_growing_walk_that_does_not_grow_is_refused(least, most, bottom):
    with pytest.raises(ValueError, match="Growing: "):
        Growing(least, most, top=0.5, bottom=bottom, end=0.03)
