"""The published split and momentum samplers converge at the orders that their docstrings state."""

import math
from functools import cache, partial

import pytest

from inverse.denoise import BACKWARD, LINEAR, Guided
from inverse.flows import PinvScore
from inverse.levels import VP, Grid
from inverse.samplers import Process, State
from inverse.solvers import guided_flow, ltsp, momentum, stsp
from inverse.solving import solve
from inverse.transitions import Multistep
from operators import Rng
from tests.inverse.cases import Rng64
from tests.inverse.solver_cases import problem, tiny_prior
from tests.inverse.walks import PRIOR, PROBLEM, Walk, begin, end_state


@cache
def truth():
    return end_state(Process(Guided(PRIOR, PinvScore(1.0)), Multistep(4), Walk(1024)))


def order(solver, counts, **settings):
    """Of convergence to the guided flow, on equal steps that stop at a noisy level."""

    def error(steps):
        process = solver(PRIOR, **settings)
        process.grid = Walk(steps)
        return float((end_state(process) - truth()).norm())

    return math.log2(error(counts[0]) / error(counts[1]))


@pytest.mark.parametrize("solver", [ltsp, stsp])
@pytest.mark.parametrize("plms", [1, 2, 3, 4])
def test_published_splittings_are_first_order_whatever_the_multistep(solver, plms):
    assert abs(order(solver, (64, 128), order=plms) - 1) < 0.2


def test_the_corrected_strang_splitting_is_second_order():
    assert abs(order(stsp, (32, 64), corrected=True) - 2) < 0.2


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_momentum_keeps_its_order_under_guidance(k):
    assert k - 0.3 < order(momentum, (128, 256), order=k, beta=0.8) < k + 0.6


def test_momentum_of_damping_one_is_adams_bashforth():
    plain = Process(Guided(PRIOR, PinvScore(1.0)), Multistep(3), Walk(20))
    heavy = momentum(PRIOR, order=3, beta=1.0)
    heavy.grid = Walk(20)
    assert float((end_state(heavy) - end_state(plain)).norm()) < 1e-9


@pytest.mark.parametrize(
    ("make", "forward", "backward"),
    [
        (partial(ltsp, steps=6, order=2), 12, 6),
        (partial(stsp, steps=6, order=2), 17, 11),
        (partial(stsp, steps=6, order=2, released=True), 18, 12),
        (partial(stsp, steps=6, corrected=True), 33, 22),
        (partial(momentum, steps=6), 6, 6),
        (partial(guided_flow, steps=2, stiff=6), 8, 8),
    ],
    ids=["ltsp", "stsp", "released", "corrected", "momentum", "guided_flow"],
)
def test_what_a_step_costs(make, forward, backward):
    """As the docstrings say, less at the clean level, where nothing is evaluated."""
    sampler = make(tiny_prior())
    result = solve(sampler, problem(), Rng([0, 1, 2]))
    assert (result.nfe, result.backward) == (forward, backward)
    assert sampler.requires == {LINEAR, BACKWARD}


def test_a_guided_flow_takes_its_stiff_steps_above_its_level():
    walk = guided_flow(tiny_prior(), steps=4, at=3.0, stiff=16).grid(None)
    nsrs = [level.nsr for level in walk]
    assert len(nsrs) == 21 and sum(nsr > 3.001 for nsr in nsrs) == 16
    assert nsrs[0] == pytest.approx(150) and nsrs[16] == pytest.approx(3.0)


def test_stiff_and_smooth_steps_come_to_the_end_of_the_guided_flow():
    """From 150 down to clean, where a walk of high order in steps five times as fine ends."""
    fine = Grid(1000, VP(), start=150.0, end=0.01, spacing="log")
    exact = final(Process(Guided(PRIOR, PinvScore(1.0)), Multistep(4), fine))
    far, near = (
        float((final(guided_flow(PRIOR, steps=n, stiff=3 * n)) - exact).norm()) for n in (25, 50)
    )
    assert near < 0.01 * float(exact.norm()) and far / near > 1.7  # first order


def final(process):
    """Where a walk from noise of the first level ends, clean."""
    level = process.grid(None)[0]
    x = begin() / float(begin().square().mean().sqrt()) * level.sigma
    return list(process.iterate(PROBLEM, Rng64([0]), State(x)))[-1].x0


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"stiff": -1}, {"at": 0.001}, {"at": 200.0, "stiff": 5}]
)
def test_wrong_settings_of_a_guided_flow_are_refused(wrong):
    with pytest.raises(ValueError, match="Grid: |Joined: "):
        guided_flow(tiny_prior(), **wrong)
