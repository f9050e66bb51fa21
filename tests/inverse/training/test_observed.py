"""Priors from measurements: the laps against closed forms, and what they refuse."""

import functools
import logging
from functools import partial

import numpy as np
import pytest
import torch

from inverse.denoise import Unfit
from inverse.priors import GaussianPrior, LowRankMixture
from inverse.solvers import diffpir, dps, nested, uneven
from inverse.training.cycle import Cycle
from inverse.training.evidence import log_evidence
from inverse.training.expectation import Expectation, spread_ratios
from inverse.training.mixtures import (
    begin,
    exact_evidence,
    fit_gaussian,
    fit_mixture,
    moments,
    refit,
)
from inverse.training.observed import Observations
from operators import (
    DenseGaussian,
    Inpaint,
    Problem,
    Rng,
    blur_gaussian,
    gaussian,
    identity,
    measure,
)
from tests.inverse.cases import DIM, covariance
from tests.inverse.cases import SHAPE as SMALL
from tests.inverse.lowrank_cases import SHAPE, covariances, mixture

FINE = partial(uneven, steps=24, start=4.0, end=0.005)


def seen(prior: LowRankMixture, count: int, keep: float = 0.6, sigma: float = 0.1) -> Observations:
    x = prior.sample(Rng([5]).each(count))
    masks = torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(2)) < keep
    masks[:, 0, 0, 0] = True
    operator = Inpaint(SHAPE, masks).to(x.dtype)
    return Observations([measure(operator, gaussian(sigma), x, Rng([6]).each(count))])


# --- laps in closed form -----------------------------------------------------------------------
@functools.cache
def em_problems(count: int = 60):
    """Of each picture four random rows with noise, as a problem of its own."""
    generator = torch.Generator().manual_seed(3)
    root = torch.linalg.cholesky(covariance())
    x = torch.randn(count, DIM, generator=generator, dtype=torch.float64) @ root.T
    made = []
    for k in range(count):
        operator = DenseGaussian(SMALL, 4, seed=k).to(torch.float64)
        made.append(measure(operator, gaussian(0.1), x[k].view(1, *SMALL), Rng([k])))
    return Observations(made)


def matrix_of(problem: Problem) -> torch.Tensor:
    one = torch.eye(DIM, dtype=torch.float64).view(DIM, *SMALL)
    return problem.operator(one).flatten(1).T


def posteriors(prior: GaussianPrior, lap: int):
    return [prior.posterior(matrix_of(p), p.y.flatten(1), 0.1) for p in em_problems().problems]


def gaussian_of(prior: GaussianPrior, found, lap: int) -> GaussianPrior:
    means = torch.cat([mean for mean, _ in found])
    mean = means.mean(0)
    cov = torch.stack([c for _, c in found]).mean(0) + torch.cov(means.T, correction=0)
    return GaussianPrior(SMALL, mean, cov)


def likelihood(prior: GaussianPrior) -> float:
    total, cov = 0.0, (prior.vectors * prior.values) @ prior.vectors.T
    for problem in em_problems().problems:
        a = matrix_of(problem)
        inner = a @ cov @ a.T + 0.01 * torch.eye(4).double()
        law = torch.distributions.MultivariateNormal(a @ prior.mean, inner)
        total += float(law.log_prob(problem.y.flatten()))
    return total


def test_laps_of_a_gaussian_are_those_of_closed_form_em_and_explain_more_with_each():
    prior = GaussianPrior(SMALL, torch.zeros(DIM).double(), torch.eye(DIM).double())
    laps = list(Cycle(posteriors, gaussian_of, likelihood, 4).run(prior))
    assert [lap.number for lap in laps] == [0, 1, 2, 3, 4]
    mean, cov = torch.zeros(DIM).double(), torch.eye(DIM).double()
    for lap in laps[1:]:
        means, inner = [], torch.zeros(DIM, DIM).double()
        for problem in em_problems().problems:  # information form, another way to the same
            a = matrix_of(problem)
            left = torch.linalg.inv(torch.linalg.inv(cov) + a.T @ a / 0.01)
            means.append(left @ (torch.linalg.solve(cov, mean) + a.T @ problem.y.flatten() / 0.01))
            inner += left
        means = torch.stack(means)
        mean = means.mean(0)
        cov = inner / len(means) + (means - mean).T @ (means - mean) / len(means)
        ours = (lap.model.vectors * lap.model.values) @ lap.model.vectors.T
        assert (lap.model.mean - mean).abs().max() < 1e-8 and (ours - cov).abs().max() < 1e-8
    found = [lap.evidence for lap in laps]
    assert found == sorted(found) and found[-1] > found[0] + 10


@pytest.mark.parametrize("start", [1.0, 5.0])
def test_a_cycle_ends_after_the_first_lap_that_explains_no_more_than_one_before(start):
    evidence = {0: start, 1: 3.0, 2: 4.0, 3: 2.0, 4: 9.0}
    cycle = Cycle(lambda m, lap: m, lambda m, d, lap: m + 1, lambda m: evidence[m], 4)
    assert [lap.evidence for lap in cycle.run(0)] == [start, 3.0, 4.0, 2.0]


# --- a Gaussian of low rank ---------------------------------------------------------------------
def test_every_lap_of_a_fit_explains_its_own_observations_better():
    data = seen(mixture(components=1), 60)
    model = begin(data, 1, 3)
    found = []
    for _ in range(8):
        found.append(exact_evidence(model, data))
        model = refit(model, moments(model, data))
    assert found == sorted(found) and found[-1] > found[0] + 0.05


def test_a_fit_of_masked_pictures_comes_near_the_law_they_are_drawn_from():
    truth = mixture(components=1)
    data = seen(truth, 3000)
    model = fit_gaussian(data, seen(truth, 200), rank=2, laps=60)
    assert exact_evidence(model, data) > exact_evidence(truth, data) - 1e-3
    cov = covariances(truth)[0]
    scale = cov.diagonal().sqrt()
    assert ((model.means - truth.means) / scale).abs().max() < 0.1
    spread = (3000 * 0.6**2) ** -0.5  # of a correlation, of the pictures that tell of both values
    error = (covariances(model)[0] - cov) / (scale * scale[:, None])
    assert error.abs().max() < 5 * spread


def test_a_mixture_is_fitted_to_clean_pictures_too():
    truth = mixture(components=2, rank=1)
    x = truth.sample(Rng([5]).each(2000)).float()
    clean = Observations([Problem(identity(SHAPE), gaussian(0.02), x)])
    model = fit_mixture(clean, clean, components=2, rank=1, laps=40)
    assert exact_evidence(model, clean) > exact_evidence(truth.float(), clean) - 0.01


def test_what_no_observation_tells_of_stays_as_it_starts_and_is_warned_of(caplog):
    truth = mixture(components=1)
    mask = torch.ones(SHAPE)
    mask[0, :2] = 0
    x = truth.sample(Rng([5]).each(40))
    operator = Inpaint(SHAPE, mask).double()
    data = Observations([measure(operator, gaussian(0.1), x, Rng([6]).each(40))])
    start = begin(data, 1, 2)
    model = refit(start, moments(start, data))
    lost = mask.flatten() == 0
    assert torch.allclose(start.means[0, lost].double(), model.means[0, lost], atol=1e-5)
    for name in ("factors", "variances"):
        before, after = getattr(start, name)[0], getattr(model, name)[0]
        assert torch.allclose(before[lost], after[lost].to(before), atol=1e-5)
        assert not torch.allclose(before[~lost], after[~lost].to(before), atol=1e-3)
    with caplog.at_level(logging.WARNING):
        assert int(data.unseen().sum()) == 8
    assert "8 of the 48 values" in caplog.text


def test_a_model_of_pixels_is_not_fitted_to_blurs():
    problem = measure(
        blur_gaussian(SHAPE, size=3, std=1.0), gaussian(0.1), torch.zeros(2, *SHAPE), Rng([0, 1])
    )
    with pytest.raises(Unfit, match="cannot be fitted to what"):
        fit_gaussian(Observations([problem]), Observations([problem]))


# --- evidence and draws -------------------------------------------------------------------------
def test_denoising_measurements_gives_their_evidence():
    truth = mixture()
    data = seen(truth, 60)
    exact = exact_evidence(truth, data)
    assert abs(log_evidence(truth, data) - exact) < 0.03
    other = mixture(seed=1)
    assert log_evidence(other, data) < log_evidence(truth, data) - 0.1


def test_solvers_that_keep_the_spread_of_the_posterior_may_complete_measurements():
    assert spread_ratios(FINE).min() > 0.95
    Expectation(FINE)


@pytest.mark.parametrize("solver", [uneven, nested, diffpir, partial(dps, steps=100)])
def test_solvers_that_do_not_are_refused(solver):
    with pytest.raises(ValueError, match="of the variance of exact ones"):
        Expectation(solver)


def test_a_draw_depends_on_seed_lap_and_number_alone():
    data, prior = seen(mixture(), 5), mixture()
    expectation = Expectation(FINE, seed=1)
    (problem,) = data.problems
    whole = expectation(prior, problem, 2)
    assert torch.allclose(whole[3:], expectation(prior, problem[3:], 2, 3), atol=1e-9)
    assert not torch.allclose(whole, expectation(prior, problem, 3), atol=0.1)


def test_drawn_laps_end_where_closed_form_laps_do():
    truth = mixture(components=1)
    data = seen(truth, 1500)
    (problem,) = data.problems
    expectation = Expectation(FINE)
    exact = drawn = begin(data, 1, 2).double()
    for lap in (1, 2):
        exact = refit(exact, moments(exact, data))
        x = expectation(drawn, problem, lap)
        clean = Observations([Problem(identity(SHAPE).double(), gaussian(1e-3), x)])
        drawn = refit(drawn, moments(drawn, clean))
    assert abs(exact_evidence(drawn, data) - exact_evidence(exact, data)) < 0.02


def test_completed_pictures_are_files_that_are_drawn_once(tmp_path):
    data, prior = seen(mixture(), 5), mixture()
    expectation = Expectation(FINE, batch=2)
    images = expectation.images(prior, data, 1, tmp_path)
    assert len(images) == 5 and images[0].shape == (4, 4, 3)
    before = (tmp_path / "000003.png").read_bytes()
    (tmp_path / "000003.png").unlink()
    again = expectation.images(prior, data, 1, tmp_path)
    assert len(again) == 5 and (tmp_path / "000003.png").read_bytes() == before


# --- observations ---------------------------------------------------------------------------------
def test_observations_are_read_from_an_array_with_nan_where_nothing_is_measured(tmp_path):
    y = np.random.default_rng(0).normal(size=(6, *SHAPE)).astype(np.float32)
    y[:, 0, 0, 0] = np.nan
    np.save(tmp_path / "y.npy", y)
    data = Observations.load(tmp_path / "y.npy", gaussian(0.1))
    assert len(data) == 6 and data.shape == SHAPE and int(data.unseen().sum()) == 1
    kept, held = data.split(0.34)
    assert (len(kept), len(held)) == (4, 2)
    assert [(n, len(p)) for n, p in kept.batches(3)] == [(0, 3), (3, 1)]
    assert torch.equal(held.problems[0].y, data.problems[0].y[4:])


def test_what_is_no_array_of_measurements_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"give a \.npy file"):
        Observations.load(tmp_path / "y.npy", gaussian(0.1))
    np.save(tmp_path / "y.npy", np.zeros((4, 4)))
    with pytest.raises(ValueError, match=r"must be one array of floats \(N, C, H, W\)"):
        Observations.load(tmp_path / "y.npy", gaussian(0.1))
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(ValueError, match=r"text\.npy is no \.npy file"):
        Observations.load(tmp_path / "text.npy", gaussian(0.1))
    with pytest.raises(ValueError, match="cannot hold out"):
        seen(mixture(), 2).split(0.1)
