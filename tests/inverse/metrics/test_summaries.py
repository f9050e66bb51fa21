"""Posterior summaries against closed forms, and calibration where the posterior is known."""

import json
import math

import pytest
import torch

from inverse.metrics import coverage, crps, summarise
from inverse.restoring import Report
from inverse.solving import Result
from operators import Problem, identity
from operators import gaussian as noise
from tests.inverse.cases import DIM, SHAPE, dense_problem, gaussian_prior


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def gaussian_crps(y, mean, std):
    """In closed form: std (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi)), z = (y - mean) / std."""
    z = (y - mean) / std
    phi = torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return std * (z * torch.erf(z / math.sqrt(2)) + 2 * phi - 1 / math.sqrt(math.pi))


@pytest.mark.parametrize("count", [2, 3, 16])
def test_crps_of_gaussian_samples_matches_the_closed_form(count):
    """Without bias, however few the samples: that is what fair means."""
    truth = normal(1, 1, 300, 300, seed=1)
    samples = 0.3 + 0.7 * normal(count, 1, 1, 300, 300, seed=2)
    want = gaussian_crps(truth, 0.3, 0.7).mean()
    assert abs(float(crps(samples, truth)[0]) / float(want) - 1) < 0.02


def test_crps_by_its_definition_and_per_image():
    samples, truth = normal(5, 3, 2, 4, 4), normal(3, 2, 4, 4, seed=3)
    pairs = (samples[:, None] - samples[None]).abs().sum((0, 1)) / (2 * 5 * 4)
    want = ((samples - truth).abs().mean(0) - pairs).flatten(1).mean(1)
    assert torch.allclose(crps(samples, truth), want)
    assert torch.allclose(crps(samples[:, 1:2], truth[1:2]), want[1:2])


def test_crps_is_lowest_for_the_law_of_the_truth():
    truth = normal(1, 1, 200, 200, seed=1)
    base = normal(8, 1, 1, 200, 200, seed=2)
    honest, bold, timid, shifted = (
        float(crps(s, truth)[0]) for s in (base, 0.3 * base, 3 * base, base + 1)
    )
    assert honest < min(bold, timid, shifted)


@pytest.mark.parametrize(("count", "level"), [(2, 0.9), (4, 0.9), (9, 0.5), (19, 0.9)])
def test_coverage_of_a_known_posterior_is_nominal(count, level):
    """Truths from the prior, data from them, samples from the exact posterior of each."""
    prior, (problem, matrix) = gaussian_prior(), dense_problem()
    root = prior.vectors * prior.values.sqrt()
    truth = prior.mean + normal(4000, DIM, seed=4) @ root.T
    y = truth @ matrix.T + problem.sigma * normal(4000, 4, seed=5)
    mean, cov = prior.posterior(matrix, y, problem.sigma)
    draws = mean + normal(count, 4000, DIM, seed=6) @ torch.linalg.cholesky(cov).T
    images = draws.view(count, 4000, *SHAPE), truth.view(4000, *SHAPE)
    share, nominal = coverage(*images, level)
    assert abs(float(share.mean()) - nominal) < 0.012
    bold = mean + 0.5 * (draws - mean)
    assert float(coverage(bold.view_as(images[0]), images[1], level)[0].mean()) < nominal - 0.05


@pytest.mark.parametrize(
    ("count", "level", "nominal"),
    [(2, 0.9, 1 / 3), (3, 0.9, 0.5), (19, 0.9, 0.9), (19, 0.5, 0.5), (3, 0.1, 0.5), (9, 0.8, 0.8)],
)
def test_the_nominal_coverage_is_the_nearest_that_there_is(count, level, nominal):
    share, found = coverage(normal(count, 1, 1, 2, 2), normal(1, 1, 2, 2), level)
    assert found == pytest.approx(nominal) and share.shape == (1,)


def test_a_summary_holds_mean_and_spread():
    samples, truth = normal(4, 2, 3, 5, 5), normal(2, 3, 5, 5, seed=1)
    alone, judged = summarise(samples), summarise(samples, truth)
    assert torch.allclose(alone.mean, samples.mean(0))
    assert torch.allclose(alone.std, samples.std(0)) and alone.crps is None
    assert torch.equal(judged.crps, crps(samples, truth)) and judged.nominal == 0.6


@pytest.mark.parametrize("name", ["crps", "coverage", "summarise"])
def test_wrong_shapes_and_single_samples_are_refused(name):
    measure = {"crps": crps, "coverage": coverage, "summarise": summarise}[name]
    with pytest.raises(ValueError, match=f"{name}: one sample has no spread"):
        measure(normal(1, 2, 3, 4, 4), normal(2, 3, 4, 4))
    with pytest.raises(ValueError, match=f"{name}: need samples"):
        measure(normal(2, 2, 3, 4, 4), normal(3, 4, 4))
    with pytest.raises(ValueError, match="level must be in"):
        coverage(normal(2, 1, 1, 4, 4), normal(1, 1, 4, 4), 1.0)


def report(count, lpips=None):
    truth = torch.rand(3, 16, 16, generator=generator()) - 0.5
    x0 = truth + 0.1 * torch.randn(count, 3, 16, 16, generator=generator(1))
    problem = Problem(identity((3, 16, 16)), noise(0.1), x0)
    result = Result(x0, torch.ones(count), 1, 0, 0.1, True)
    return Report(truth, problem, result, lpips, "not asked for"), x0, truth


def test_metrics_of_several_samples_hold_crps_and_coverage(tmp_path):
    made, x0, truth = report(3)
    made.write(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["crps"] == pytest.approx(float(crps(x0[:, None], truth[None])[0]))
    assert metrics["coverage"]["nominal"] == 0.5
    assert 0 <= metrics["coverage"]["share"] <= 1
    assert "crps" not in report(1)[0].metrics()


def test_a_measure_that_the_sides_are_too_small_for_is_missing_and_says_why():
    class Network:
        smallest = 17

    metrics = report(1, Network())[0].metrics()
    assert metrics["lpips"] is None and "17 pixels" in metrics["lpips_missing"]
    assert metrics["ssim"][0] < 1 and "ssim_missing" not in metrics
    assert report(1)[0].metrics()["lpips_missing"] == "not asked for"
