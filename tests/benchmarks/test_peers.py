"""Other libraries' solvers on our prior: ranges, noise levels and seeds are carried over."""

import pytest
import torch

from inverse.solving import solve
from operators import Rng, gaussian, inpaint_random, measure
from tests.inverse.grids_of_benchmarks import White

for library in ("azula", "deepinv"):  # the light one first
    pytest.importorskip(library, reason=f"the peers need {library}")

from benchmarks.peers import peers  # noqa: E402

SHAPE, SIGMA = (3, 8, 8), 0.1
NAMES = list(peers(1))


@pytest.fixture(scope="module")
def task():
    """Draws of the prior itself, half of their pixels seen: the posterior is known."""
    truth = 0.5 * torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    mask = inpaint_random(SHAPE, 0.5, 0)
    return truth, measure(mask, gaussian(SIGMA), truth, Rng([1, 2]))


@pytest.mark.parametrize("name", NAMES)
def test_a_peer_restores_what_is_measured(name, task):
    truth, problem = task
    sampler = peers(40)[name](White())
    result = solve(sampler, problem, Rng([3, 4]))
    assert result.x0.shape == truth.shape and result.x0.dtype == torch.float32
    seen = problem.operator.mask.expand(2, *SHAPE) > 0
    best = 0.25 / (0.25 + SIGMA**2) * problem.operator.adjoint(problem.y)  # the posterior mean
    assert (result.x0 - best)[seen].std() < 0.25  # where the prior alone is off by 0.5
    again = solve(sampler, problem[1:], Rng([4]))
    assert torch.allclose(again.x0, result.x0[1:], atol=1e-5)
    assert 40 <= again.nfe <= 41


def test_a_peer_that_knows_the_posterior_samples_it(task):
    """MMPS knows this posterior: unseen pixels have the prior's spread."""
    truth, problem = task
    many = problem[:1].repeat(8)
    result = solve(peers(60)["azula MMPS"](White()), many, Rng(range(8)))
    seen = problem.operator.mask.expand(8, *SHAPE) > 0
    assert result.x0[~seen].std() == pytest.approx(0.5, rel=0.15)
    mean = 0.25 / (0.25 + SIGMA**2) * problem.operator.adjoint(problem.y)[:1]
    assert (result.x0.mean(0, keepdim=True) - mean)[seen[:1]].abs().mean() < 0.05
