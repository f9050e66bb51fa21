"""Photons and read noise that nobody told, held to the law of flat patches, which is known."""

import pytest
import torch

from inverse.denoise import Unfit
from inverse.samplers import Blind, PhotonNoise
from inverse.solvers import nested
from inverse.solving import solve
from operators import (
    Problem,
    Rng,
    blur_gaussian,
    gaussian,
    identity,
    inpaint_random,
    measure,
    poisson_gaussian,
)
from tests.inverse.stationary import Stationary

SHAPE = (3, 64, 64)
NONE = torch.full((3, 64, 33), 1e-9, dtype=torch.float64)  # no error: y tells all of the image


def stairs() -> torch.Tensor:
    """Flat patches of 8 x 8 pixels, from dark to bright."""
    steps = torch.linspace(-0.95, 0.95, 64).view(1, 1, 8, 8)
    return steps.repeat_interleave(8, 2).repeat_interleave(8, 3).expand(1, 3, 64, 64).contiguous()


def found(problem, r2, contrast=None):
    return PhotonNoise(contrast=contrast)(problem, torch.zeros_like(problem.y), r2, None)


@pytest.mark.parametrize(("peak", "read"), [(100.0, 0.05), (1000.0, 0.1)])
def test_the_numbers_of_flat_patches_are_the_posterior_of_a_grid(peak, read):
    problem = measure(identity(SHAPE), poisson_gaussian(peak, read), stairs(), Rng([1]))
    numbers = found(problem, NONE).numbers
    patches = problem.y.double().unfold(2, 8, 8).unfold(3, 8, 8).flatten(4).flatten(2, 3)
    mean = patches.mean(-1, keepdim=True)
    squares, light = (patches - mean).square().sum((0, 1, 3)), (mean.mean((0, 1, 3)) + 1) / 2
    peaks = torch.linspace(torch.tensor(5.0).log(), torch.tensor(2e4).log(), 1200).double()
    reads = torch.linspace(torch.tensor(0.002).log(), torch.tensor(0.2).log(), 600).double()
    log_p = torch.zeros(1200, 600, dtype=torch.float64)
    for s, u in zip(squares, light, strict=True):
        variance = 4 * (u * peaks.exp()).clamp_min(1)[:, None] / peaks.exp()[:, None] ** 2
        variance = variance + reads.exp() ** 2
        log_p -= 0.5 * (s / variance + 3 * 63 * variance.log())
    p = (log_p - log_p.amax()).exp()
    p /= p.sum()
    for name, u, weights in (("peak", peaks, p.sum(1)), ("read", reads, p.sum(0))):
        mean, std = numbers[name]
        centre = (weights * u).sum()
        spread = centre.exp() * (weights * (u - centre).square()).sum().sqrt()
        assert float(mean) == pytest.approx(float(centre.exp()), abs=0.2 * float(spread)), name
        assert float(std) == pytest.approx(float(spread), rel=0.2), name


@pytest.mark.parametrize("operator", [identity(SHAPE), inpaint_random(SHAPE, keep=0.5, seed=0)])
def test_the_numbers_of_a_picture_are_found_and_solve_it(operator):
    x = (0.4 * Stationary(channels=3).sample(SHAPE, Rng([0])).float()).clamp(-0.6, 0.6)
    x = x + torch.linspace(-0.35, 0.35, 64)
    problem = measure(operator, poisson_gaussian(100.0, 0.05), x, Rng([1]))
    told = Problem(operator, gaussian(0.1), problem.y)
    sampler = Blind(nested(Stationary(channels=3), outer_steps=2), [PhotonNoise()])
    result = solve(sampler, told, Rng([2]))
    mean, std = result.found[0].numbers["peak"]
    assert float(mean) == pytest.approx(100.0, abs=2 * float(std))
    noise = result.found[0].noise
    assert noise is not None and noise.sigma == pytest.approx(problem.noise.sigma, rel=0.1)


def test_samples_have_numbers_of_their_own():
    problems = [
        measure(identity(SHAPE), poisson_gaussian(peak, 0.05), stairs(), Rng([1]))
        for peak in (50.0, 500.0)
    ]
    both = Problem(identity(SHAPE), gaussian(0.1), torch.cat([p.y for p in problems]))
    numbers, each = found(both, NONE).numbers, [found(p, NONE).numbers for p in problems]
    for name, number in numbers.items():
        torch.testing.assert_close(number.mean, torch.cat([n[name].mean for n in each]))


def test_of_one_brightness_photons_and_read_noise_are_not_told_apart():
    x = torch.zeros(1, *SHAPE)
    problem = measure(identity(SHAPE), poisson_gaussian(100.0, 0.02), x, Rng([1]))
    numbers = found(problem, NONE).numbers
    assert numbers["read"].std.isinf() and numbers["read"].told.isnan()


def test_photons_behind_a_blur_are_refused():
    operator = blur_gaussian(SHAPE, size=5, std=1.0)
    problem = Problem(operator, gaussian(0.1), stairs())
    sampler = Blind(nested(Stationary(channels=3)), [PhotonNoise()])
    with pytest.raises(Unfit, match="keeps or loses each pixel"):
        solve(sampler, problem, Rng([2]))
