"""Resampling, decimation and decimated blurs, against torch, scipy and MATLAB's weights."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from operators import (
    Blur,
    Decimate,
    DecimatedBlur,
    Separable,
    blur_gaussian,
    decimate,
    downsample_bicubic,
    downsample_file,
    downsample_gaussian,
    kernels,
    resample,
)
from tests.operators.counting import ops
from tests.operators.operator_cases import close, dense

SHAPE = (2, 12, 16)
KERNEL = torch.rand(5, 3, generator=torch.Generator().manual_seed(0)).double()


def image(shape=SHAPE, batch=2):
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("mode", ["bicubic", "bilinear"])
@pytest.mark.parametrize("scale", [0.1, 0.25, 1 / 3, 0.37, 0.5, 0.9, 1, 1.5, 2, 3.7])
def test_resampling_is_torchs(scale, mode, antialias):
    x = image((2, 21, 32))
    want = interpolate(x, scale_factor=scale, mode=mode, antialias=antialias)
    operator = resample((2, 21, 32), scale, mode, antialias).double()
    assert operator.out_shape == want.shape[1:] and operator.closed_form
    close(operator(x), want, 1e-14)
    close(resample((2, 21, 32), scale, mode, antialias)(x.float()), want, 1e-6)


def test_bicubic_by_a_whole_factor():
    for shape, factor in ((SHAPE, 4), (SHAPE, 1), ((1, 98, 147), 49)):
        x = image(shape)
        sides = [side // factor for side in shape[1:]]
        want = interpolate(x, size=sides, mode="bicubic", antialias=True)
        close(downsample_bicubic(shape, factor).double()(x), want, 1e-13)


def imresize(side, factor):
    """The matrix of MATLAB's imresize(x, 1/factor, "bicubic"), after its documentation."""
    places = (np.arange(side // factor) + 0.5) * factor - 0.5
    found = np.zeros((side // factor, side))
    for row, place in zip(found, places, strict=True):
        near = np.arange(int(place - 2 * factor) - 2, int(place + 2 * factor) + 3)
        t = np.abs((near - place) / factor)
        inner, outer = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
        weight = inner * (t <= 1) + outer * ((t > 1) & (t <= 2))
        mirrored = np.concatenate([np.arange(side), np.arange(side)[::-1]])[near % (2 * side)]
        np.add.at(row, mirrored, weight / weight.sum())
    return torch.from_numpy(found)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bicubic_with_mirrored_borders_is_matlabs(factor):
    operator = downsample_bicubic((1, 6 * factor, 3 * factor), factor, "symmetric")
    for name, side in (("rows", 6 * factor), ("columns", 3 * factor)):
        close(operator.exact(name)[0, 0], imresize(side, factor), 1e-13)
    rows = downsample_bicubic((1, 6 * factor, 12), factor).exact("rows")[0, 0]
    close(rows[2:-2], imresize(6 * factor, factor)[2:-2], 1e-13)


def test_resampling_solves_as_dense_algebra():
    operator = resample((1, 11, 9), 0.45).double()
    matrix, y = dense(operator)[0], image(operator.out_shape, 1)
    singular = torch.linalg.svdvals(matrix)
    found = operator.s.flatten().sort(descending=True).values
    assert torch.allclose(found, singular, atol=1e-13)
    assert operator.norm() == pytest.approx(float(singular[0]), rel=1e-12)
    close(operator.pinv(y)[0], torch.linalg.pinv(matrix) @ y.flatten(), 1e-12)


def test_decimation_keeps_the_first_pixel_of_each_block():
    x = image()
    y = decimate(SHAPE, 4).double()(x)
    assert torch.equal(y, x[:, :, ::4, ::4])
    back = decimate(SHAPE, 4).double().adjoint(y)
    assert torch.equal(back[:, :, ::4, ::4], y) and float(back.abs().sum()) == float(y.abs().sum())


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("sides", [(12, 18), (18, 6), (6, 12)])
def test_decimated_blur_is_scipys(sides, factor):
    ndimage = pytest.importorskip("scipy.ndimage")
    x = image((1, *sides), 1)
    operator = (Decimate((1, *sides), factor) @ Blur((1, *sides), KERNEL)).double()
    blurred = ndimage.convolve(x[0, 0].numpy(), KERNEL.numpy(), mode="wrap")
    assert isinstance(operator, DecimatedBlur)
    assert np.allclose(operator(x)[0, 0], blurred[::factor, ::factor], atol=1e-13)


def test_a_column_alone_is_resampled_too():
    """torch 2.15 itself gets an antialiased image one pixel wide wrong, two pixels right."""
    x = image((1, 20, 1))
    want = interpolate(x.repeat(1, 1, 1, 2), size=(5, 2), mode="bicubic", antialias=True)
    rows = resample((1, 20, 4), 0.25).exact("rows")[0, 0]
    close(Separable((1, 20, 1), rows, torch.eye(1)).double()(x), want[..., :1], 1e-14)


def test_blurred_low_resolution_from_plain_numbers(tmp_path):
    np.save(tmp_path / "kernel.npy", kernels.motion(9, 1).numpy())
    x = image((3, 16, 16)).float()
    gaussian = downsample_gaussian([3, 16, 16], factor=4, size=9, std=1.6)
    close(gaussian(x), blur_gaussian((3, 16, 16), 9, 1.6)(x)[..., ::4, ::4], 1e-6)
    moved = downsample_file([3, 16, 16], str(tmp_path / "kernel.npy"), factor=2)
    assert moved.out_shape == (3, 8, 8) and moved.closed_form


@pytest.mark.parametrize("make", [resample, downsample_gaussian, decimate])
def test_lower_resolution_never_waits_for_the_device(make):
    operator = make((3, 64, 64))
    x, lam = torch.randn(2, 3, 64, 64), torch.ones(2)
    y = operator(x)
    assert ops(lambda: operator(x)) <= 20 and ops(lambda: operator.pinv(y)) <= 12
    assert ops(lambda: operator.gram_solve(x, lam)) <= 60
    assert ops(lambda: operator.prox(x, y, lam)) <= 35


WRONG = {
    "no scale": (lambda: resample(SHAPE, 0), "scale must be > 0"),
    "negative scale": (lambda: resample(SHAPE, -0.5), "scale must be > 0"),
    "infinite scale": (lambda: resample(SHAPE, float("inf")), "scale must be > 0"),
    "NaN scale": (lambda: resample(SHAPE, float("nan")), "scale must be > 0"),
    "nothing left": (lambda: resample(SHAPE, 0.05), r"leave a pixel of the image \(12, 16\)"),
    "mode": (lambda: resample(SHAPE, 0.5, "nearest"), "mode must be bicubic or bilinear"),
    "rank": (lambda: resample((12, 16), 0.5), r"must be \(C, H, W\)"),
    "bicubic factor": (lambda: downsample_bicubic(SHAPE, 5), "factor 5 must divide both sides"),
    "valid bicubic": (lambda: downsample_bicubic(SHAPE, 4, "valid"), "may not be 'valid'"),
    "small bicubic": (lambda: downsample_bicubic((1, 8, 64), 4, "zero"), "12 pixels or more"),
    "bicubic padding": (lambda: downsample_bicubic(SHAPE, 4, "edge"), "padding must be one of"),
    "factor": (lambda: decimate(SHAPE, 3), "Decimate: factor 3 must divide both sides"),
    "no factor": (lambda: decimate(SHAPE, 0), "Decimate: factor"),
    "even kernel": (lambda: downsample_gaussian(SHAPE, 4, 8), "odd number"),
    "large kernel": (lambda: downsample_gaussian(SHAPE, 4, 25), "larger than the image"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters_of_resolution(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)
