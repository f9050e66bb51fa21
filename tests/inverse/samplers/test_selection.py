"""Selection and what it stands on: evidence, Stein's identity, walks in several passes."""

import pytest
import torch

from inverse.denoise import explain, stein_variance
from inverse.levels import CLEAN, VE, VP, Grid, Passes
from inverse.priors import GaussianPrior, Mixture
from inverse.samplers import Selection
from operators import DenseGaussian, Problem, gaussian
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem, gaussian_prior


def test_evidence_and_mean_are_those_of_the_dense_gaussian():
    problem, matrix = dense_problem(batch=3)
    x0 = torch.randn(3, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    r2 = torch.tensor([0.2, 0.2, 0.2], dtype=torch.float64)
    mean, log = explain(problem.operator, x0, problem.y, problem.sigma**2, r2)
    cov = 0.2 * matrix @ matrix.T + problem.sigma**2 * torch.eye(len(matrix)).double()
    law = torch.distributions.MultivariateNormal(x0.flatten(1) @ matrix.T, cov)
    exact = law.log_prob(problem.y)
    assert torch.allclose(log - log[0], exact - exact[0], atol=1e-9)
    for i in range(3):
        around = GaussianPrior(SHAPE, x0[i].flatten(), 0.2 * torch.eye(DIM).double())
        exact, _ = around.posterior(matrix, problem.y[:1], float(problem.sigma))
        assert torch.allclose(mean[i].flatten(), exact[0])


@pytest.mark.parametrize("schedule", [VE(), VP()], ids=["ve", "vp"])
def test_stein_measures_the_error_of_the_denoiser(schedule):
    """Averaged over noise, it is the trace of the conditional covariance of a Gaussian, over d."""
    prior, level, count = gaussian_prior(), schedule.at(0.7), 4000
    noise = Rng64(range(count)).normal((count, *SHAPE))
    there = torch.linspace(-1, 1, DIM, dtype=torch.float64).view(1, *SHAPE)
    change = prior.denoise(there + 0.3 * noise, level) - prior.denoise(there, level)
    found = stein_variance(noise, change, 0.3, level, count)
    exact = (1 / (1 / prior.values + level.nsr**-2)).mean()
    assert found.shape == (count,)
    assert torch.allclose(found, exact.expand(count), rtol=0.03)


def test_stein_does_not_believe_less_than_its_error_nor_more_than_a_flat_prior():
    noise = torch.ones(4, *SHAPE) * torch.tensor([1.0, -1.0] * 4).view(SHAPE)
    level = VE()(2.0)
    assert torch.equal(stein_variance(noise, 9 * noise, 1.0, level, 4), torch.full((4,), 4.0))
    odd = stein_variance(noise, -noise + 1, 1.0, level, 2)
    assert torch.allclose(odd, torch.full((4,), 4.0 * 1.0 / 16**0.5))


def many(count: int) -> Problem:
    return dense_problem(batch=count)[0]


def moments(prior: GaussianPrior, sampler: Selection, count: int) -> tuple[float, float]:
    """Distance of the mean over the posterior's spread, and relative error of the covariance."""
    problem, matrix = dense_problem(batch=count)
    x = list(sampler.iterate(problem, Rng64(range(count))))[-1].x0.flatten(1)
    mean, cov = prior.posterior(matrix, problem.y[:1], float(problem.sigma))
    off = (x.mean(0) - mean[0]).norm() / cov.diagonal().sum().sqrt()
    return float(off), float((torch.cov(x.T) - cov).norm() / cov.norm())


@pytest.mark.parametrize("group", [1, 3000])
def test_a_white_prior_is_sampled_exactly_in_a_few_steps(group):
    """Where x0 given x is white, every step is exact, however long, and all weigh the same."""
    prior = GaussianPrior(SHAPE, torch.zeros(DIM).double(), 0.8 * torch.eye(DIM).double())
    sampler = Selection(prior, Grid(5, start=40.0, end=0.3, spacing="log"), group)
    off, spread = moments(prior, sampler, 3000)
    assert off < 0.06 and spread < (0.25 if group == 1 else 0.08)


def test_a_coloured_prior_is_sampled_in_many_steps_of_a_group():
    prior = gaussian_prior()
    grid = Grid(30, start=10.0, end=0.02, spacing="log")
    alone = moments(prior, Selection(prior, grid, 1), 1500)
    together = moments(prior, Selection(prior, grid, 1500), 1500)
    assert together[0] < 0.08 and together[1] < 0.15
    assert together[0] < alone[0]


def mode_error(group: int, outer: int = 1) -> float:
    """Total variation of the mode weights of 1000 samples of a mixture of far components."""
    means = torch.cartesian_prod(*[torch.tensor([-8.0, 8.0])] * 2).repeat(1, 2).double()
    prior = Mixture((1, 2, 2), means, torch.tensor([0.1, 0.2, 0.3, 0.4]).double())
    operator = DenseGaussian((1, 2, 2), 1, seed=3).to(torch.float64)
    matrix = operator(torch.eye(4, dtype=torch.float64).view(4, 1, 2, 2)).T
    y = torch.zeros(1, dtype=torch.float64)  # as likely under opposite means
    law = prior.posterior(matrix, y, 2.0)
    assert float(law.weights.max()) < 0.9  # otherwise there would be nothing to get wrong
    problem = Problem(operator, gaussian(2.0), y.expand(1000, 1).contiguous())
    first = Grid(15, start=100.0, end=1.0, spacing="log")
    sampler = Selection(prior, Passes(first, Grid(3, start=1.0, end=0.5), outer), group)
    x = list(sampler.iterate(problem, Rng64(range(1000))))[-1].x0.flatten(1)
    shares = torch.bincount(torch.cdist(x, means).argmin(1), minlength=4) / 1000
    return float((shares - law.weights).abs().sum() / 2)


def test_selection_puts_the_right_share_on_every_mode():
    assert mode_error(1000) < 0.06
    assert mode_error(50) < 0.08
    assert mode_error(1000, outer=2) < 0.06
    assert mode_error(1) > 0.15


def test_groups_do_not_feel_each_other():
    sampler = Selection(gaussian_prior(), Grid(6, start=10.0, end=0.05), 4)
    problem = many(8)
    together = list(sampler.iterate(problem, Rng64(range(8))))[-1].x0
    alone = list(sampler.iterate(problem[4:], Rng64(range(4, 8))))[-1].x0
    assert torch.allclose(together[4:], alone, atol=1e-12)


def test_a_group_resumes():
    sampler, rng = Selection(gaussian_prior(), Grid(6, start=10.0, end=0.05), 4), Rng64(range(8))
    walk = sampler.iterate(many(8), rng)
    middle = [next(walk) for _ in range(3)][-1]
    state = rng.state()
    whole = list(walk)[-1].x0
    rng.restore(state)
    assert torch.equal(list(sampler.iterate(many(8), rng, middle))[-1].x0, whole)


def test_passes_walk_down_and_start_again():
    walk = Passes(Grid(3, start=8.0, end=2.0, spacing="log"), Grid(2, start=1.0, end=0.5), 3)
    assert [round(level.nsr, 9) for level in walk()] == [8, 4, 2, 0, 1, 0.5, 0, 1, 0.5, 0]
    assert walk(VE()(6.0))[0].nsr == 6.0 and walk()[-1] == CLEAN


def test_impossible_groups_and_passes_are_refused():
    prior, grid = gaussian_prior(), Grid(2)
    with pytest.raises(ValueError, match="group must be a whole number above 0, got 0"):
        Selection(prior, grid, 0)
    with pytest.raises(ValueError, match="groups of 3 do not fit a batch of 4"):
        list(Selection(prior, grid, 3).iterate(many(4), Rng64(range(4))))
    with pytest.raises(ValueError, match="count must be a whole number above 0, got 0"):
        Passes(grid, grid, 0)
