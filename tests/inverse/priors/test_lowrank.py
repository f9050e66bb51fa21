"""A mixture of low rank plus a diagonal, against the same mixture written out."""

import math

import pytest
import torch

from inverse.denoise import Field, Unfit, spectrum
from inverse.levels import UNKNOWN, Level
from inverse.priors import GaussianPrior
from operators import (
    Inpaint,
    Problem,
    Rng,
    bayer,
    blur_gaussian,
    downsample,
    gaussian,
    measure,
)
from tests.inverse.lowrank_cases import SHAPE, D, brute, covariances, mixture


def mask(seed: int = 1) -> torch.Tensor:
    return torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(seed)) < 0.5


def state(prior, level: Level, problem) -> torch.Tensor:
    noise = Rng([9] * len(problem)).normal((len(problem), *SHAPE), torch.float64)
    return level.alpha * prior.sample(Rng([3, 4])) + level.sigma * noise


def seen(prior, operator, sigma: float = 0.3) -> Problem:
    return measure(
        operator.to(torch.float64), gaussian(sigma), prior.sample(Rng([3, 4])), Rng([5, 6])
    )


def stacked(operator, level: Level, sigma: float):
    """What a state and the data together are a measurement of: matrix and noise."""
    one = torch.eye(D, dtype=torch.float64)
    matrix = operator(one.view(D, *SHAPE)).flatten(1).T
    used = matrix.abs().sum(1) > 0
    noise = torch.cat([torch.full((int(used.sum()),), sigma**2), torch.full((D,), level.sigma**2)])
    return torch.cat([matrix[used], level.alpha * one]), noise.double(), used


@pytest.mark.parametrize("operator", [Inpaint(SHAPE, mask()), bayer(SHAPE)], ids=["mask", "bayer"])
def test_state_and_data_together_are_known_exactly(operator):
    prior, level = mixture(), Level(0.8, 0.5)
    problem = seen(prior, operator)
    x = state(prior, level, problem)
    belief = prior.believe(*spectrum(problem, "test").joined(x / level.alpha, level))
    matrix, noise, used = stacked(problem.operator, level, 0.3)
    both = torch.cat([problem.y.flatten(1)[:, used], x.flatten(1)], 1)
    mean, variance, _ = brute(prior, matrix, noise, both)
    assert torch.allclose(belief.mean.flatten(1), mean, atol=1e-9)
    assert torch.allclose(belief.variance.flatten(1), variance, atol=1e-9)


@pytest.mark.parametrize(
    "operator", [blur_gaussian(SHAPE, size=3, std=1.0), downsample(SHAPE, 2)], ids=["blur", "mean"]
)
def test_a_gaussian_that_is_told_any_singular_coordinates_knows_them_together(operator):
    one = mixture(components=1)
    prior, level = GaussianPrior(SHAPE, one.means[0], covariances(one)[0]), Level(0.8, 0.5)
    problem = seen(one, operator)
    x = state(one, level, problem)
    belief = prior.believe(*spectrum(problem, "test").joined(x / level.alpha, level))
    matrix, noise, used = stacked(problem.operator, level, 0.3)
    both = torch.cat([problem.y.flatten(1)[:, used], x.flatten(1)], 1)
    mean, variance, _ = brute(one, matrix, noise, both)
    assert torch.allclose(belief.mean.flatten(1), mean, atol=1e-9)
    assert torch.allclose(belief.variance.flatten(1), variance, atol=1e-9)


def test_the_evidence_of_a_measurement_is_its_density():
    prior = mixture()
    problem = seen(prior, Inpaint(SHAPE, mask()))
    none = torch.zeros(2, *SHAPE, dtype=torch.float64)
    z, field = spectrum(problem, "test").joined(none, UNKNOWN)
    matrix, noise, used = stacked(problem.operator, Level(1, 1), 0.3)
    count = int(used.sum())
    observed = problem.y.flatten(1)[:, used]
    _, _, log = brute(prior, matrix[:count], noise[:count], observed)
    assert torch.allclose(prior.log_evidence(z, field), log, atol=1e-9)


def test_of_one_level_it_is_what_uneven_noise_of_that_level_says():
    prior, x = mixture(), torch.randn(2, *SHAPE).double()
    even = prior.restore(x / 0.6, Field(torch.full((2, *SHAPE), 1.5).double()))
    assert torch.allclose(prior.denoise(x, Level(0.6, 0.9)), even, atol=1e-12)


def test_one_component_of_full_rank_is_the_gaussian():
    one = mixture(components=1)
    dense = GaussianPrior(SHAPE, one.means[0], covariances(one)[0])
    z = torch.randn(2, *SHAPE).double()
    nsr = torch.rand(2, *SHAPE).double()
    nsr[:, 0], nsr[:, 1] = 0.0, math.inf
    for ours, theirs in zip(one.believe(z, Field(nsr)), dense.believe(z, Field(nsr)), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-9)
    assert torch.allclose(one.restore(z, Field(nsr))[:, 0], z[:, 0], atol=1e-12)


def test_draws_have_its_moments():
    one = mixture(components=1)
    x = one.sample(Rng([0]).each(40000)).flatten(1)
    assert torch.allclose(x.mean(0), one.means[0], atol=0.06)
    assert torch.allclose(torch.cov(x.T), covariances(one)[0], atol=0.2)


def test_pictures_of_another_size_are_refused():
    with pytest.raises(Unfit, match="bound to images of"):
        mixture().denoise(torch.zeros(1, 3, 8, 8).double(), Level(1, 1))
