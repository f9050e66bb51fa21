"""A kernel of no family, found where the right answer is known."""

import pytest
import torch

from inverse.denoise import restored, transformed
from inverse.samplers import Blind, BlurKernel, Found, NoiseLevel
from inverse.samplers.blind.shaping import centred, projected
from inverse.samplers.blind.sharpening import sharpened_kernel
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
    fits = refit._seen(problem, x0, r2).fits
    (slope,) = torch.autograd.grad(fits(kernel.requires_grad_()).sum(), kernel)
    kernel = kernel.detach()
    flat, used = slope.flatten(), kernel.flatten() > 1e-3
    rise = float(((projected(kernel + 1e-6 * slope) - kernel) * slope).sum())
    assert flat[~used].max() < flat[used].max() and rise < 0.05
    assert float((kernel - HOOK).abs().sum()) < 0.3
    assert float(fits(kernel)) > float(fits(HOOK))


def test_edges_tell_a_kernel_of_no_family():
    """Of a picture of flat patches, whatever lies beyond its borders."""
    patches = Rng([4]).of(torch.float64).normal((1, 1, 12, 12))
    wide = patches.repeat_interleave(9, 2).repeat_interleave(9, 3).clamp(-1, 1)
    y = blur_kernel((1, 108, 108), HOOK, "valid").double()(wide)
    y = y + 0.02 * Rng([5]).of(torch.float64).normal(y.shape)
    kernel = sharpened_kernel(y[0, 0], SIZE)
    assert float(kernel.sum()) == pytest.approx(1) and bool((kernel >= 0).all())
    cosine = float((kernel * HOOK[0, 0]).sum() / (kernel.norm() * HOOK.norm()))
    assert cosine > 0.9  # of no blur: 0.43


def test_how_sure_a_kernel_is_comes_from_the_curvature_of_its_evidence():
    x, problem = blurred("circular", 0.05)
    refit, r2 = BlurKernel(SIZE, "circular", steps=300), torch.full((3, 48, 25), 1e-9)
    seen = refit._seen(problem, x, r2)
    precision = seen.precision(HOOK)[0]
    curvature = -torch.autograd.functional.hessian(lambda k: seen.fits(k).sum(), HOOK)
    torch.testing.assert_close(curvature.reshape(SIZE**2, -1), precision, rtol=1e-2, atol=1.0)
    found = refit(problem, x, r2, begun(kernels.gaussian(SIZE, 1.5)))
    assert found.kernel_std is not None and float(found.kernel_std.max()) < 0.02
    mean, std = found.numbers["extent"]
    places = torch.arange(SIZE) - SIZE // 2
    extent = float((HOOK * (places[:, None] ** 2 + places**2) / 2).sum().sqrt())
    assert abs(float(mean) - extent) < 4 * float(std) < 0.4


def test_a_flat_picture_tells_no_kernel():
    y = 0.1 * Rng([0]).normal((1, 3, 48, 48))
    problem = Problem(blur_kernel((3, 48, 48), HOOK), gaussian(0.1), y)
    refit = BlurKernel(SIZE, "circular", steps=5)
    flat, r2 = torch.zeros_like(y), torch.full((3, 48, 25), 1e-9)
    first = refit(problem, flat, r2, None)
    again = refit(problem, flat, r2, first)
    assert not first.numbers["extent"].std.isfinite() and not again.numbers["extent"].std.isfinite()


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
    refit = BlurKernel(SIZE, "circular", steps=5)
    sampler = Blind(nested(Stationary(channels=3), outer_steps=3), [refit, noise])
    problem = Problem(refit.guess((3, 32, 32)), gaussian(0.1), y)
    both = solve(sampler, problem, Rng([3, 4]))
    alone = solve(sampler, problem[1:], Rng([4]))
    kernel, one = both.found[0].kernel, alone.found[0].kernel
    assert kernel is not None and one is not None and kernel.shape == (2, 1, SIZE, SIZE)
    torch.testing.assert_close(kernel[1:], one, rtol=1e-3, atol=1e-4)
