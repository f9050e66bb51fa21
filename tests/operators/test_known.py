"""Each operator against an independent implementation, its own errors, and its cost."""

import numpy as np
import pytest
import torch

from operators import (
    Blur,
    DenseGaussian,
    Downsample,
    Greyscale,
    Identity,
    Inpaint,
    WalshHadamard,
    block_sensing,
    blur_defocus,
    blur_file,
    blur_gaussian,
    blur_motion,
    dct,
    dense_gaussian,
    downsample,
    fourier,
    greyscale,
    identity,
    inpaint_box,
    inpaint_brush,
    inpaint_file,
    inpaint_half,
    inpaint_random,
    kernels,
    masks,
    walsh_hadamard,
)
from tests.operators.counting import ops

SHAPE = (3, 8, 16)


def image(shape=SHAPE, batch=2):
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("sides", [(8, 16), (7, 9), (8, 9), (9, 8)])
def test_blur_is_a_circular_convolution(sides):
    ndimage = pytest.importorskip("scipy.ndimage")
    kernel = np.random.default_rng(0).random((5, 3))
    x = image((1, *sides), 1).double()
    y = Blur((1, *sides), torch.from_numpy(kernel)).double()(x)
    want = ndimage.convolve(x[0, 0].numpy(), kernel, mode="wrap")
    assert np.allclose(y[0, 0].numpy(), want, atol=1e-12)


def test_downsample_means():
    x = image()
    want = x.view(2, 3, 2, 4, 4, 4).mean((3, 5))
    assert torch.allclose(Downsample(SHAPE, 4)(x), want, atol=1e-6)
    assert torch.equal(Downsample(SHAPE, 4).pinv(want)[:, :, ::4, ::4], want)


def test_walsh_hadamard_is_the_kronecker_product():
    linalg = pytest.importorskip("scipy.linalg")
    operator = WalshHadamard(SHAPE, 1.0, 3).double()
    x = image().double()
    matrix = torch.from_numpy(np.kron(linalg.hadamard(8), linalg.hadamard(16))).double() / 128**0.5
    assert torch.allclose(operator(x), (x * operator.signs).flatten(2) @ matrix.T, atol=1e-12)
    assert operator.unitary and not WalshHadamard(SHAPE, 0.5).unitary


def test_walsh_hadamard_spreads_the_energy_of_a_flat_image():
    flat = torch.ones(1, 1, 32, 32)
    ratios = [float(WalshHadamard((1, 32, 32), 0.25, s)(flat).square().sum()) for s in range(20)]
    assert 0.7 < np.mean(ratios) / (0.25 * 1024) < 1.3 and min(ratios) > 0.5 * 256


def test_dense_entries():
    operator = DenseGaussian((1, 8, 8), 32, 0).double()
    basis = torch.eye(64, dtype=torch.float64).view(64, 1, 8, 8)
    matrix = operator(basis)
    assert float(matrix.mean()) == pytest.approx(0, abs=0.02)
    assert float(matrix.var()) == pytest.approx(1 / 32, rel=0.1)


def test_seeds_repeat_and_differ():
    for make in (walsh_hadamard, lambda s, seed: dense_gaussian((1, 4, 4), 5, seed)):
        a, b, c = make(SHAPE, seed=0), make(SHAPE, seed=0), make(SHAPE, seed=1)
        x = image(a.in_shape)
        assert torch.equal(a(x), b(x)) and not torch.equal(a(x), c(x))


def test_drawing_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    for make in (inpaint_random, inpaint_brush, blur_motion, walsh_hadamard):
        make((1, 64, 64))
    Identity(SHAPE).norm()
    assert torch.equal(before, torch.get_rng_state())


def test_greyscale():
    x = image()
    assert torch.allclose(Greyscale(SHAPE)(x), x.mean(1, keepdim=True), atol=1e-6)
    luma = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    want = (x * luma).sum(1, keepdim=True)
    assert torch.allclose(Greyscale(SHAPE, [0.299, 0.587, 0.114])(x), want, atol=1e-6)


def test_inpaint_counts_and_support():
    mask = masks.random((3, 8, 16), 0.25, 0)
    assert Inpaint(SHAPE, mask).measured == 3 * 32
    several = torch.stack([mask[None], ~mask[None]])
    operator = Inpaint(SHAPE, several)
    assert operator.measured.tolist() == [96, 288]
    assert operator.select(slice(1, 2)).measured.tolist() == [288]
    y = torch.full((2, *SHAPE), float("nan"))
    y[several.expand(-1, 3, -1, -1)] = 1.0
    assert torch.equal(operator.support(y), several.expand(-1, 3, -1, -1).float())
    assert torch.equal(operator(image()) == 0, ~several.expand(-1, 3, -1, -1))


def test_operators_do_not_hold_the_callers_tensors():
    mask, kernel = torch.ones(1, 1, 8, 16, dtype=torch.float64), kernels.gaussian(3, 1.0)
    a, b = Inpaint(SHAPE, mask).double(), Blur(SHAPE, kernel).double()
    x = image().double()
    before = a(x), b(x)
    mask.zero_(), kernel.zero_()
    assert torch.equal(a.double()(x), before[0]) and torch.equal(b.float().double()(x), before[1])


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_moving_to_double_loses_nothing():
    x = image().double()
    direct = Blur(SHAPE, kernels.gaussian(5, 1.0)).double()
    around = Blur(SHAPE, kernels.gaussian(5, 1.0)).half().float().double()
    assert torch.equal(direct(x), around(x))


WRONG = {
    "mask size": (lambda: Inpaint(SHAPE, torch.ones(8, 8)), r"Inpaint: mask must be .*\(8, 8\)"),
    "mask values": (lambda: Inpaint(SHAPE, torch.full((8, 16), 0.5)), "only 0"),
    "empty mask": (lambda: Inpaint(SHAPE, torch.zeros(8, 16)), "keeps no pixel"),
    "even kernel": (lambda: Blur(SHAPE, torch.ones(4, 4)), r"odd sides, got \(4, 4\)"),
    "kernel rank": (lambda: Blur(SHAPE, torch.ones(3)), "odd sides"),
    "large kernel": (lambda: blur_gaussian(SHAPE, 9), r"\(9, 9\) is larger than the image \(8, 16"),
    "NaN kernel": (lambda: Blur(SHAPE, torch.full((3, 3), float("nan"))), "NaN"),
    "factor": (lambda: Downsample(SHAPE, 3), "Downsample: factor 3 must divide both sides"),
    "no factor": (lambda: Downsample(SHAPE, 0), "Downsample: factor"),
    "sides": (lambda: WalshHadamard((3, 8, 12)), "powers of two"),
    "ratio": (lambda: WalshHadamard(SHAPE, 0.0), "WalshHadamard: ratio"),
    "m": (lambda: DenseGaussian(SHAPE, 0), "DenseGaussian: m"),
    "weights": (lambda: Greyscale(SHAPE, [1.0, 2.0]), "Greyscale: weights must be 3"),
    "zero weights": (lambda: Greyscale(SHAPE, [0, 0, 0]), "Greyscale: weights"),
    "rank": (lambda: Blur((8, 16), torch.ones(3, 3)), r"image_shape must be \(C, H, W\)"),
    "shape": (lambda: Identity((3, 0, 4)), "Identity: image_shape"),
    "float shape": (lambda: Identity((3, 4.5, 4)), "Identity: image_shape"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_factories_take_plain_numbers(tmp_path):
    np.save(tmp_path / "mask.npy", np.eye(16, dtype=np.uint8))
    np.save(tmp_path / "kernel.npy", np.ones((3, 3)))
    shape = [3, 16, 16]
    made = [
        identity(shape),
        inpaint_random(shape, keep=0.3, seed=0),
        inpaint_box(shape, height=4, width=6),
        inpaint_half(shape, side="left"),
        inpaint_brush(shape, strokes=2),
        inpaint_file(shape, mask=str(tmp_path / "mask.npy")),
        blur_gaussian(shape, size=5, std=1.0),
        blur_motion(shape, size=9, seed=1),
        blur_defocus(shape, size=5),
        blur_file(shape, kernel=str(tmp_path / "kernel.npy")),
        downsample(shape, factor=4),
        walsh_hadamard(shape, ratio=0.25, seed=0),
        dense_gaussian(shape, m=10),
        greyscale(shape),
    ]
    for operator in made:
        assert operator.in_shape == (3, 16, 16) and operator.closed_form
        assert operator(torch.zeros(2, 3, 16, 16)).shape == (2, *operator.out_shape)


def test_inpainting_is_lean_and_never_waits_for_the_device():
    operator = inpaint_random(SHAPE)
    x, lam = image(), torch.ones(2)
    y = operator(x)
    assert ops(lambda: operator(x)) == 1 and ops(lambda: operator.adjoint(y)) == 1
    assert ops(lambda: operator.pinv(y)) == 1 and ops(lambda: operator.prox(x, y, 0.0)) == 1
    assert ops(lambda: operator.gram_solve(x, 0.1)) == 2 == ops(lambda: operator.gram_solve(x, lam))
    assert ops(lambda: operator.prox(x, y, 0.1)) == 3 == ops(lambda: operator.prox(x, y, lam))


CLOSED = [blur_gaussian, downsample, walsh_hadamard, greyscale, dct, block_sensing, fourier]


@pytest.mark.parametrize("make", CLOSED)
def test_closed_forms_never_wait_for_the_device(make):
    operator = make((3, 64, 64))
    x, lam = image((3, 64, 64)), torch.ones(2)
    y = operator(x)
    calls = [
        (lambda: operator(x), 5),
        (lambda: operator.adjoint(y), 6),
        (lambda: operator.pinv(y), 8),
        (lambda: operator.gram_solve(x, lam), 16),
        (lambda: operator.prox(x, y, lam), 15),
    ]
    for call, most in calls:
        assert ops(call) <= most
