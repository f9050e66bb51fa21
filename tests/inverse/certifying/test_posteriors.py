"""Laws, denoisers and gold samples of random walks, against closed forms and each other."""

from itertools import islice

import pytest
import torch

from inverse.certifying import LAWS, TASKS, WalkPrior, mixture, walk
from inverse.certifying.gibbs import chains
from inverse.certifying.laws import FLOAT, normal
from inverse.levels import Level
from inverse.priors import GaussianPrior

SIZE = 10
SUMS = torch.ones(SIZE, SIZE, dtype=FLOAT).tril()


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("law", LAWS)
def test_draws_have_the_tails_of_their_law(law):
    u, exact = LAWS[law].draw((100_000,), stream()), LAWS[law].tail
    for bound in (0.1, 0.5, 2.0, 8.0):
        share = float(exact(torch.tensor(bound, dtype=FLOAT)))
        error = 4 * (share / len(u)) ** 0.5 + 1e-4
        assert float((u > bound).double().mean()) == pytest.approx(share, abs=error)
        assert float((u < -bound).double().mean()) == pytest.approx(share, abs=error)
    assert float((u != 0).double().mean()) == pytest.approx(LAWS[law].share, abs=0.005)


@pytest.mark.parametrize("law", LAWS)
def test_variances_of_jumps_give_jumps_of_the_same_law(law):
    u = LAWS[law].draw((100_000,), stream())
    u = u[u != 0]
    again = LAWS[law].variances_of(u, stream(1)).sqrt() * normal(u.shape, stream(2))
    for bound in (0.1, 0.5, 2.0):
        share = float((u.abs() > bound).double().mean())
        assert float((again.abs() > bound).double().mean()) == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize("law", LAWS)
def test_the_masses_of_cells_are_all_there_is(law):
    width = torch.tensor(0.25, dtype=FLOAT)
    found = LAWS[law].masses(torch.tensor([-4000.0], dtype=FLOAT), 8001, width)[0]
    beyond = float(LAWS[law].tail(4000.5 * width))
    assert float(found.sum()) == pytest.approx(1 - 2 * beyond, abs=1e-9)
    assert torch.allclose(found, found.flip(0))
    assert float(LAWS[law].masses(torch.tensor([10**6]), 1, width)) >= 0


@pytest.mark.parametrize("nsr", [0.01, 0.1, 0.4, 1.0, 30.0])
def test_the_denoiser_of_a_walk_is_the_closed_form_where_there_is_one(nsr):
    law, scale, shape = LAWS["gauss"], 0.3, (1, 1, SIZE)
    cov = scale**2 * law.variance * SUMS @ SUMS.T  # pyright: ignore
    exact = GaussianPrior(shape, torch.zeros(SIZE, dtype=FLOAT), cov)
    x = scale * law.draw((30, SIZE), stream()).cumsum(1) + nsr * normal((30, SIZE), stream(1))
    x, level = 0.8 * x.view(30, *shape), Level(0.8, 0.8 * nsr)
    found = WalkPrior(shape, law, scale, 8.0).denoise(x, level)
    spread = (cov - cov @ torch.linalg.solve(cov + nsr**2 * torch.eye(SIZE), cov)).trace() / SIZE
    assert float((found - exact.denoise(x, level)).square().mean()) < 1e-4 * float(spread)


@pytest.mark.parametrize("law", LAWS)
def test_gibbs_draws_and_the_denoiser_agree_on_the_mean(law):
    nsr, count = 0.4, 300
    x = LAWS[law].draw((4, SIZE), stream()).cumsum(1)
    y = x + nsr * normal((4, SIZE), stream(1))
    exact = WalkPrior((1, 1, SIZE), LAWS[law], 1.0, 1e9).denoise(
        y.view(4, 1, 1, SIZE), Level(1, nsr)
    )
    walks = chains(LAWS[law], SUMS, y.repeat_interleave(10, 0), nsr, stream(2))
    draws = torch.stack([u @ SUMS.T for u in islice(walks, 30, 30 + count, 3)], 1)
    draws = draws.view(4, -1, SIZE)
    error = (draws.mean(1) - exact.flatten(1)).square().sum(1) / draws.var(1).sum(1)
    assert float(error.max()) < 0.03  # a hundred independent draws would have 0.01 on average


@pytest.mark.parametrize("task", TASKS)
def test_gold_draws_of_gaussian_walks_have_the_exact_mean_and_covariance(task):
    trial = walk("gauss", task, 3, seed=1, size=SIZE)
    factors = trial.operator.left, trial.operator.s[0], trial.operator.right
    left, s, right = (part.double() for part in factors)
    prior = trial.prior.double()
    mean, cov = prior.posterior(left * s @ right, trial.y, trial.sigma)  # pyright: ignore
    draws = torch.cat([trial.draws, trial.others], 1)
    away = (draws.mean(1) - mean).square().sum(1) / cov.trace()
    assert float(away.max()) < 12 / draws.shape[1]
    for rows in draws:
        assert float((torch.cov(rows.T) - cov).norm() / cov.norm()) < 0.25


def test_trials_repeat_and_their_measurements_stand_in_blocks():
    trial, again = mixture(2, 3, 0), mixture(2, 3, 0)
    assert torch.equal(trial.y, again.y) and torch.equal(trial.draws, again.draws)
    problem = trial.problem(4)
    assert torch.equal(problem.y[4:8], trial.y[1].float().expand(4, -1))
    assert not torch.equal(trial.draws, trial.others)
