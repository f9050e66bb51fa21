"""The evidence of noise and blurs, held to what is known exactly of stationary Gaussian images."""

import math

import pytest
import torch

from inverse.denoise import restored, transformed
from inverse.levels import Level
from inverse.samplers.blind.coordinates import EVEN, coordinates
from inverse.samplers.blind.evidence import CONTRAST, Range, explored, gaps, log_evidence, search
from operators import (
    Problem,
    Rng,
    bayer,
    blur_gaussian,
    blur_varying,
    downsample,
    gaussian,
    greyscale,
    identity,
    inpaint_random,
    measure,
    walsh_hadamard,
)
from tests.inverse.stationary import Stationary

SIDE = 8
OPERATORS = {
    "identity": identity((3, SIDE, SIDE)),
    "blur": blur_gaussian((3, SIDE, SIDE), size=7, std=1.0),
    "mask": inpaint_random((3, SIDE, SIDE), keep=0.5, seed=1),
    "mean": downsample((3, SIDE, SIDE), factor=2),
    "grey": greyscale((3, SIDE, SIDE)),
}
SIGMAS = torch.tensor([[0.02, 0.05, 0.1, 0.2, 0.5]], dtype=torch.float64)


def dense(operator) -> torch.Tensor:
    """A as a matrix (m, d)."""
    d = math.prod(operator.in_shape)
    return operator(torch.eye(d, dtype=torch.float64).view(d, *operator.in_shape)).flatten(1).T


@pytest.mark.parametrize("name", OPERATORS)
def test_the_evidence_of_a_noise_level_is_that_of_the_dense_gaussian(name):
    operator, level = OPERATORS[name].to(torch.float64), Level(1.0, 0.5)
    prior = Stationary(channels=3)
    truth = prior.sample(operator.in_shape, Rng([0]))
    x0 = prior.denoise(truth + 0.5 * Rng([1]).normal(truth.shape, truth.dtype), level)
    problem = measure(operator, gaussian(0.1), truth, Rng([2]))
    r2 = prior.variance(level, operator.in_shape)
    got = log_evidence(coordinates(problem, x0, r2), SIGMAS, contrast=None)[0]

    eye = torch.eye(math.prod(operator.in_shape), dtype=torch.float64)
    images = eye.view(-1, *operator.in_shape)
    cov = restored(transformed(images) * r2, operator.in_shape).flatten(1)
    a, rest = dense(operator), problem.residual(x0).flatten()
    kept = a.abs().sum(1) > 0
    spread, rest = (a @ cov @ a.T)[kept][:, kept], rest[kept]
    flat = torch.ones(operator.out_shape, dtype=torch.float64)  # a channel's mean is left out
    flat = torch.block_diag(*flat.flatten(1).unsqueeze(1))[:, kept]
    basis = torch.linalg.svd(flat, full_matrices=True)[2][len(flat) :]
    spread, rest = basis @ spread @ basis.T, basis @ rest
    want = torch.stack(
        [
            torch.distributions.MultivariateNormal(
                torch.zeros_like(rest), spread + s**2 * torch.eye(len(rest), dtype=rest.dtype)
            ).log_prob(rest)
            for s in SIGMAS[0]
        ]
    )
    torch.testing.assert_close(got - got[0], want - want[0], rtol=2e-3, atol=0.05)


def test_a_group_of_another_contrast_is_explained_by_it_and_not_by_noise():
    shape, spectrum = (3, 32, 32), Stationary(channels=3).power((3, 32, 32))
    truth = Stationary(channels=3).sample(shape, Rng([0])).float()
    problem = measure(identity(shape), gaussian(0.1), 0.2 * truth, Rng([2]))
    found = coordinates(problem, torch.zeros_like(problem.y), spectrum)
    duller = found._replace(spread=0.04 * found.spread)

    def level(seen, contrast):
        return float(search(lambda s: log_evidence(seen, s, contrast), Range(0.002, 0.5), 1).mean)

    free, told, wrong = level(found, CONTRAST), level(duller, None), level(found, None)
    assert free == pytest.approx(told, rel=0.03) and wrong < 0.8 * told


@pytest.mark.parametrize("name", ["identity", "blur", "mask"])
def test_the_truth_lies_anywhere_in_the_posterior_of_a_noise_level_as_often(name):
    """Simulation-based calibration: ranks of truths drawn from the prior are uniform."""
    runs, within, prior = 200, Range(0.02, 0.5), Stationary(channels=3)
    operator, (low, high) = OPERATORS[name].double(), within.ends
    place = low + (high - low) * torch.rand(runs, 1, generator=torch.Generator().manual_seed(0))
    x, noise = prior.sample(operator.in_shape, Rng(range(runs))), Rng(range(500, 500 + runs))
    y = operator(x)
    y += operator.support(place.exp()[..., None, None] * noise.normal(y.shape, y.dtype))
    seen = coordinates(
        Problem(operator, gaussian(0.1), y), torch.zeros_like(x), prior.power(operator.in_shape)
    )
    u, values = explored(lambda sigma: log_evidence(seen, sigma, None), within, runs)
    weights = (values + gaps(u).log()).softmax(1)
    rank = (weights * (u < place)).sum(1).sort().values
    even = (torch.arange(runs) + 0.5) / runs
    assert float((rank - even).abs().max()) < 1.63 / runs**0.5  # Kolmogorov-Smirnov, p > 0.01


def test_what_no_evidence_is_known_of_is_refused():
    shape = (3, 16, 16)
    for operator in (walsh_hadamard(shape), blur_varying(shape, size=7, grid=2), bayer(shape)):
        assert not EVEN.met(Problem(operator, gaussian(0.1), torch.zeros(1, *operator.out_shape)))
    padded = blur_gaussian((3, 64, 64), size=5, std=1.0, padding="reflect")
    for operator in (*OPERATORS.values(), padded):
        operator = operator.to(torch.float32)
        assert EVEN.met(Problem(operator, gaussian(0.1), torch.zeros(1, *operator.out_shape)))


@pytest.mark.parametrize("log", [True, False])
def test_a_search_finds_mean_and_spread_of_sharp_and_broad_posteriors(log):
    centre = torch.tensor([0.7, 1.9, 1.2], dtype=torch.float64)
    width = torch.tensor([0.001, 0.01, 0.1], dtype=torch.float64)

    def bell(values):
        u = values.log() if log else values
        return -((u - centre[:, None]).square() / width[:, None].square()) / 2

    ends = (1.0, math.exp(3)) if log else (0.0, 3.0)
    mean, std = search(bell, Range(*ends, log), batch=3)
    torch.testing.assert_close(mean.log() if log else mean, centre, rtol=0.01, atol=0)
    torch.testing.assert_close(std / mean if log else std, width, rtol=0.1, atol=0)


def test_a_search_says_where_the_data_are_silent():
    found = search(torch.zeros_like, Range(0.1, 10.0), batch=2)
    assert found.std.isinf().all() and found.mean == pytest.approx([1.0, 1.0], rel=0.05)
