"""Every transition converges at its declared order, alone and inside a splitting."""

import math
from functools import cache
from itertools import pairwise

import pytest
import torch

from inverse.denoise import Denoiser, Guided
from inverse.flows import PinvScore, ScoreFlow
from inverse.levels import Level
from inverse.samplers import Process, State
from inverse.solvers._guided_flow import Switched
from inverse.transitions import DDIM, DPMSolver2M, Heun, Momentum, Multistep
from tests.inverse.cases import DIM, SHAPE, Exact, Rng64
from tests.inverse.walks import END, MATRIX, PRIOR, PROBLEM, START, Walk, begin, end_state


def order(make, counts=(64, 128, 256), truth=None) -> float:
    exact = truth if truth is not None else end_state(make(2048))
    errors = [float((end_state(make(n)) - exact).norm()) for n in counts]
    return math.log2(errors[-2] / errors[-1])


def free_flow() -> torch.Tensor:
    """The probability flow of a Gaussian prior: deviations scale as sqrt(v + nsr^2)."""
    z = (begin().flatten(1) - PRIOR.mean) @ PRIOR.vectors
    z = z * ((PRIOR.values + END**2) / (PRIOR.values + START**2)).sqrt()
    return (PRIOR.mean + z @ PRIOR.vectors.T).view(1, *SHAPE)


@pytest.mark.parametrize(
    ("transition", "declared"),
    [
        (DDIM(0), 1),
        (Heun(), 2),
        (Multistep(1), 1),
        (Multistep(2), 2),
        (Multistep(3), 3),
        (Multistep(4), 4),
        (DPMSolver2M(), 2),
        (Momentum(1, 0.7), 1),
        (Momentum(2, 0.7), 2),
        (Momentum(3, 0.7), 3),
        (Momentum(4, 0.7), 4),
        (Momentum(2, 1.0), 2),
        (Switched(1.0, Multistep(3), DPMSolver2M()), 2),
        (Switched(1.0, DDIM(0), DPMSolver2M()), 1),
    ],
    ids=lambda value: value if isinstance(value, int) else type(value).__name__,
)
def test_transitions_converge_at_their_order(transition, declared):
    def make(n: int) -> Process:
        return Process(PRIOR, transition, Walk(n))

    measured = order(make, truth=free_flow())
    assert declared - 0.25 < measured < declared + 0.6


@pytest.mark.parametrize(("k", "declared"), [(2, 2), (3, 3), (4, 4)])
def test_multistep_keeps_its_order_on_uneven_steps(k, declared):
    def make(n: int) -> Process:
        return Process(PRIOR, Multistep(k), Walk(n, warp=1.5))

    assert order(make, truth=free_flow()) > declared - 0.3


def split(transition, midpoint: bool, stages: str = "strang"):
    return lambda n: Process(
        PRIOR, transition, Walk(n), ScoreFlow(Exact(PRIOR, MATRIX), midpoint=midpoint), stages
    )


@cache
def posterior_reference() -> torch.Tensor:
    return end_state(Process(Guided(PRIOR, Exact(PRIOR, MATRIX)), Multistep(4), Walk(1024)))


@pytest.mark.parametrize(
    ("make", "declared"),
    [
        (split(Heun(), True), 2),
        (split(Heun(), False), 1),
        (split(Multistep(2), True), 1),
        (split(DDIM(0), True), 1),
        (split(Heun(), True, "lie"), 1),
        (split(Heun(), True, "unsplit"), 1),
    ],
    ids=["strang-heun-midpoint", "strang-heun-euler", "strang-ab2", "strang-euler", "lie", "nudge"],
)
def test_strang_is_second_order_only_if_both_flows_are(make, declared):
    assert abs(order(make, (32, 64, 128), posterior_reference()) - declared) < 0.2


def test_multistep_keeps_its_order_with_the_data_in_the_denoiser():
    def make(n: int) -> Process:
        return Process(Guided(PRIOR, Exact(PRIOR, MATRIX)), Multistep(2), Walk(n))

    assert abs(order(make, (32, 64, 128), posterior_reference()) - 2) < 0.2


def test_guided_equals_the_posterior_denoiser():
    """With the exact score, Guided is the denoiser of the closed-form posterior."""
    level = Level(1.0, 0.7)
    x = begin()
    x0 = Guided(PRIOR, Exact(PRIOR, MATRIX))(x, level, PROBLEM, Rng64([0])).x0
    mean, cov = PRIOR.posterior(MATRIX, PROBLEM.y, PROBLEM.sigma)
    gain = cov @ torch.linalg.inv(cov + level.nsr**2 * torch.eye(DIM))
    exact = mean + (x.flatten(1) - mean) @ gain.T
    assert torch.allclose(x0.flatten(1), exact, atol=1e-9)


def test_pinv_score_is_exact_at_matched_variance():
    from inverse.priors import GaussianPrior

    prior = GaussianPrior(SHAPE, torch.zeros(DIM).double(), 0.8 * torch.eye(DIM).double())
    denoiser: Denoiser = Guided(prior, PinvScore(data_variance=0.8))
    level = Level(0.6, 0.8)
    x0 = denoiser(begin(), level, PROBLEM, Rng64([0])).x0
    mean, cov = prior.posterior(MATRIX, PROBLEM.y, PROBLEM.sigma)
    gain = level.alpha * cov
    inner = level.alpha**2 * cov + level.sigma**2 * torch.eye(DIM)
    exact = mean + (begin().flatten(1) - level.alpha * mean) @ torch.linalg.solve(inner, gain)
    assert torch.allclose(x0.flatten(1), exact, atol=1e-9)


def test_walk_is_uniform():
    nsrs = [level.nsr for level in Walk(4)()]
    assert len({round(a - b, 12) for a, b in pairwise(nsrs)}) == 1


def test_a_switched_rule_is_the_one_above_and_then_the_one_below():
    """Each alone on its own levels; the one below begins without the past of the one above."""
    both = end_state(Process(PRIOR, Switched(1.0, Multistep(2), DPMSolver2M()), levels(2, 1, 0.25)))
    upper = end_state(Process(PRIOR, Multistep(2), levels(2, 1)))
    lower = Process(PRIOR, DPMSolver2M(), levels(1, 0.25))
    again = list(lower.iterate(PROBLEM, Rng64([0]), State(upper)))[-1].x
    assert torch.equal(both, again)


def levels(*ends):
    """A walk of eight equal steps between each two of these levels."""
    pairs = [torch.linspace(a, b, 9, dtype=torch.float64)[:-1] for a, b in pairwise(ends)]
    nsrs = [*torch.cat(pairs).tolist(), float(ends[-1])]
    return lambda start=None: tuple(Level(1.0, nsr) for nsr in nsrs)


@pytest.mark.parametrize(
    "wrong", [(0.0, DDIM(0), DDIM(0)), (1.0, DDIM(1.0), DDIM(0)), (1.0, DDIM(0), DDIM(1.0))]
)
def test_wrong_switches_are_refused(wrong):
    with pytest.raises(ValueError, match="Switched: "):
        Switched(*wrong)
