"""A kernel of no family, found where the right answer is known."""

import pytest
import torch

from inverse.denoise import restored, transformed
from inverse.samplers import Blind, BlurKernel, Found, NoiseLevel
from inverse.samplers.blind.freeform import centred, projected
from inverse.solvers import nested
from inverse.solving import solve
from operators import Problem, Rng, blur_kernel, gaussian, kernels
from tests.inverse.stationary import Stationary

SHAPE, SIZE = (3, 48, 48), 7
HOOK = torch.zeros(SIZE, SIZE, dtype=torch.float64)
HOOK[1:6, 2], HOOK[5, 2:6] = 1.0, 0.4
HOOK = centred((HOOK / HOOK.sum())[None, None])


def blurred(padding: str, sigma: float) -> tuple[torch.Tensor, Problem]:
    x = Stationary(channels=3).sample(SHAPE, Rng([0]))
    operator = blur_kernel(SHAPE, HOOK, padding).double()
    y = operator(x) + sigma * Rng([1]).of(torch.float64).normal((1, *operator.out_shape))
    return x.float(), Problem(blur_kernel(SHAPE, HOOK, padding), gaussian(sigma), y.float())


def begun(kernel: torch.Tensor) -> Found:
    return Found({}, kernel=kernel[None, None])


@pytest.mark.parametrize("padding", ["circular", "replicate", "valid"])
def test_of_an_image_that_is_known_the_kernel_is_found(padding):
    x, problem = blurred(padding, 0.002)
    refit = BlurKernel(SIZE, padding, steps=300)
    found = refit(problem, x, torch.full((3, 48, 25), 1e-9), begun(kernels.gaussian(SIZE, 1.5)))
    assert found.kernel is not None and found.operator is not None
    torch.testing.assert_close(found.kernel, HOOK, rtol=0, atol=0.01)
    assert float(found.kernel.sum()) == pytest.approx(1) and bool((found.kernel >= 0).all())


def test_of_an_image_known_with_an_error_no_kernel_nearby_is_likelier():
    x, problem = blurred("circular", 0.05)
    r2 = 0.05 * Stationary(channels=3).power(SHAPE)
    white = transformed(Rng([2]).of(torch.float64).normal((1, *SHAPE)))
    x0 = x + restored(white * r2.sqrt(), SHAPE).float()
    refit = BlurKernel(SIZE, "circular", steps=300)
    found = refit(problem, x0, r2, begun(kernels.gaussian(SIZE, 1.5)))
    kernel = found.kernel
    assert kernel is not None
    fits = refit._evidence(problem, x0, r2)
    (slope,) = torch.autograd.grad(fits(kernel.requires_grad_()).sum(), kernel)
    kernel = kernel.detach()
    flat, used = slope.flatten(), kernel.flatten() > 1e-3
    rise = float(((projected(kernel + 1e-6 * slope) - kernel) * slope).sum())
    assert flat[~used].max() < flat[used].max() and rise < 0.05
    assert float((kernel - HOOK).abs().sum()) < 0.3
    assert float(fits(kernel)) > float(fits(HOOK))


def test_the_nearest_kernel_is_that_of_a_search():
    k = torch.tensor([0.9, 0.5, -0.2, 0.1], dtype=torch.float64).view(1, 1, 2, 2)
    torch.testing.assert_close(projected(k).flatten(), torch.tensor([0.7, 0.3, 0, 0]).double())
    inside = torch.full((1, 1, 2, 2), 0.25).double()
    torch.testing.assert_close(projected(inside), inside)


def test_a_kernel_is_moved_to_the_middle():
    moved = centred(torch.cat([HOOK.roll((1, -1), (-2, -1)), HOOK]))
    torch.testing.assert_close(moved, HOOK.expand(2, -1, -1, -1))


def test_a_kernel_is_found_on_the_way_for_each_sample_by_itself():
    x = Stationary(channels=3).sample((3, 32, 32), Rng([0, 1])).float()
    y = blur_kernel((3, 32, 32), HOOK)(x) + 0.02 * Rng([2, 3]).normal(x.shape)
    noise = NoiseLevel()
    refit = BlurKernel(SIZE, "circular", noise, steps=5)
    sampler = Blind(nested(Stationary(channels=3), outer_steps=3), [refit, noise])
    problem = Problem(refit.first.guess((3, 32, 32)), gaussian(0.1), y)
    both = solve(sampler, problem, Rng([3, 4]))
    alone = solve(sampler, problem[1:], Rng([4]))
    kernel, one = both.found[0].kernel, alone.found[0].kernel
    assert kernel is not None and one is not None and kernel.shape == (2, 1, SIZE, SIZE)
    torch.testing.assert_close(kernel[1:], one, rtol=1e-3, atol=1e-4)
