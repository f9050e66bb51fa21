"""Products of operators that stay in closed form, and those that do not."""

import pytest
import torch

from operators import (
    Blur,
    Decimate,
    DecimatedBlur,
    Downsample,
    Greyscale,
    Identity,
    Inpaint,
    Separable,
    blur_gaussian,
    blur_kernel,
    checks,
    downsample_gaussian,
    kernels,
    masks,
    resample,
    stack,
)
from operators.core.linear import Composed
from tests.operators.operator_cases import close, dense

SHAPE = (2, 12, 16)
KERNEL = torch.rand(5, 3, generator=torch.Generator().manual_seed(0)).double()


def image(shape=SHAPE, batch=2):
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(0)).double()


SIDES = [((8, 12), 2), ((8, 12), 4), ((9, 15), 3), ((6, 4), 1), ((10, 4), 2), ((9, 9), 9)]


@pytest.mark.parametrize("outer", [Decimate, Downsample])
@pytest.mark.parametrize("sides, factor", SIDES)
def test_alias_groups_against_the_plain_composition(sides, factor, outer):
    shape = (1, *sides)
    first, second = outer(shape, factor), Blur(shape, KERNEL[1:4])
    operator, plain = (first @ second).double(), Composed(first, second)
    matrix = dense(plain)[0]
    assert torch.allclose(dense(operator)[0], matrix, atol=1e-14)
    assert operator.norm() == pytest.approx(float(torch.linalg.matrix_norm(matrix, 2)), rel=1e-12)
    y, b = image(operator.out_shape), image(shape)
    close(operator.pinv(y).flatten(1), y.flatten(1) @ torch.linalg.pinv(matrix).T, 1e-9)
    for lam in (1e-8, 0.1):
        gram = matrix.T @ matrix + lam * torch.eye(matrix.shape[1])
        close(
            operator.gram_solve(b, lam).flatten(1), torch.linalg.solve(gram, b.flatten(1).T).T, 1e-7
        )


@pytest.mark.parametrize("outer", [Blur(SHAPE, KERNEL), Downsample(SHAPE, 4), Downsample(SHAPE, 2)])
def test_what_is_measured_of_a_small_image_spread_out_stays_in_closed_form(outer):
    spread = 4 * Downsample(SHAPE, 2).T
    operator, plain = (outer @ spread).double(), Composed(outer, spread)
    assert operator.closed_form and operator.out_shape == outer.out_shape
    assert torch.allclose(dense(operator)[0], dense(plain)[0], atol=1e-14)


def test_a_small_lam_does_not_amplify_rounding():
    """For b in the row space the plain b/λ − Aᵀ(AAᵀ + λ)⁻¹A b/λ loses what A sees of the answer."""
    operator, lam = downsample_gaussian((1, 32, 32), 4, 9, 1.0), 1e-6
    b = operator.adjoint(image(operator.out_shape).float())
    want = operator.double()(operator.gram_solve(b.double(), lam))
    operator.float()
    plain = (b - operator.adjoint(operator.T.gram_solve(operator(b), lam))) / lam
    close(operator(operator.gram_solve(b, lam)), want, 1e-5)
    with pytest.raises(AssertionError, match="off by"):
        close(operator(plain), want, 1e-3)


def mask():
    return Inpaint(SHAPE, masks.random(SHAPE, 0.6, 1))


FUSED = {
    "mean of a blur": (lambda: Downsample(SHAPE, 4) @ Blur(SHAPE, KERNEL), DecimatedBlur),
    "pixels of a blur": (lambda: Decimate(SHAPE, 2) @ Blur(SHAPE, KERNEL), DecimatedBlur),
    "one kernel per sample": (
        lambda: Decimate(SHAPE, 2) @ Blur(SHAPE, torch.stack([KERNEL, KERNEL.flip(0)])[:, None]),
        DecimatedBlur,
    ),
    "mean of means": (lambda: Downsample((2, 6, 8), 2) @ Downsample(SHAPE, 2), Downsample),
    "pixels of pixels": (lambda: Decimate((2, 6, 8), 2) @ Decimate(SHAPE, 2), Decimate),
    "pixels of means": (lambda: Decimate((2, 6, 8), 2) @ Downsample(SHAPE, 2), Separable),
    "mean of a padded blur": (
        lambda: Downsample(SHAPE, 4) @ blur_gaussian(SHAPE, 5, 1.0, "reflect"),
        Separable,
    ),
    "pixels of a valid blur": (
        lambda: Decimate((2, 8, 12), 4) @ blur_kernel(SHAPE, kernels.gaussian(5, 1.0), "valid"),
        Separable,
    ),
    "bicubic of a padded blur": (
        lambda: resample(SHAPE, 0.4) @ blur_gaussian(SHAPE, 5, 1.0, "zero"),
        Separable,
    ),
    "mask of a mask": (lambda: mask() @ Inpaint(SHAPE, masks.half(SHAPE)), Inpaint),
}


@pytest.mark.parametrize("factor", [1, -2.5])
@pytest.mark.parametrize("name", FUSED)
def test_compositions_stay_in_closed_form(name, factor):
    make, kind = FUSED[name]
    plain = make()
    operator = (factor * plain if factor != 1 else plain).double()
    assert isinstance(plain, kind) and operator.closed_form and "closed form" in operator.describe()
    x = image()
    checks.dot_test(operator), checks.pinv_test(operator), checks.gram_test(operator)
    assert operator(x).shape[1:] == plain.out_shape


def test_compositions_equal_their_parts():
    x = image()
    for outer, inner in (
        (Downsample(SHAPE, 4), blur_gaussian(SHAPE, 5, 1.0, "reflect")),
        (Decimate(SHAPE, 4), blur_gaussian(SHAPE, 5, 1.0, "circular")),
        (Decimate((2, 6, 8), 2), Downsample(SHAPE, 2)),
        (resample(SHAPE, 0.4), blur_gaussian(SHAPE, 5, 1.0, "symmetric")),
        (mask(), Inpaint(SHAPE, masks.half(SHAPE))),
        (2 * (3 * Downsample(SHAPE, 2)), -0.5 * Blur(SHAPE, KERNEL)),
    ):
        outer, inner = outer.double(), inner.double()
        both = outer @ inner
        assert both.closed_form and both.anchor.dtype == torch.float64
        close(both(x), outer(inner(x)), 1e-13)


def test_compositions_without_a_closed_form_are_iterated():
    blur = Blur(SHAPE, KERNEL)
    nothing = Inpaint(SHAPE, masks.half(SHAPE)) @ Inpaint(SHAPE, masks.half(SHAPE, "left"))
    for operator in (
        mask() @ blur,
        Downsample(SHAPE, 2) @ mask(),
        Greyscale(SHAPE) @ blur,
        nothing,
    ):
        assert type(operator) is Composed and not operator.closed_form
    assert float(nothing(image().float()).abs().max()) == 0
    assert isinstance(stack([blur, mask()]).parts[0], Blur) and (Identity(SHAPE) @ blur).closed_form


def test_two_masks_measure_what_both_keep():
    both = mask() @ Inpaint(SHAPE, masks.half(SHAPE))
    kept = masks.random(SHAPE, 0.6, 1) & masks.half(SHAPE)
    assert both.measured == 2 * int(kept.sum())


def test_parts_of_a_composition_must_agree():
    with pytest.raises(ValueError, match="dtype"):
        Downsample(SHAPE, 2) @ Blur(SHAPE, KERNEL).double()
    with pytest.raises(ValueError, match="batches"):
        rows = torch.ones(2, 1, 3, 12)
        several = Separable(SHAPE, rows, torch.eye(16))
        Separable((2, 3, 16), torch.ones(3, 1, 2, 3), torch.eye(16)) @ several
    with pytest.raises(ValueError, match="not the left"):
        Downsample(SHAPE, 2) @ Blur((2, 8, 8), KERNEL)
