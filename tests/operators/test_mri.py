"""Fourier sampling and MRI against numpy.fft and dense matrices, masks, and errors."""

import numpy as np
import pytest
import torch

from operators import (
    MRI,
    Fourier,
    MultiCoilMRI,
    fourier,
    fourier_file,
    kspace,
    mri,
    mri_file,
    mri_multicoil,
)
from tests.operators.operator_cases import close

SIDES = [(6, 8), (5, 8), (7, 9)]


def draw(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def fft2c(x):
    """The transform of fastMRI: centred in the image and in k-space."""
    axes = (-2, -1)
    z = np.fft.fft2(np.fft.ifftshift(x, axes), axes=axes, norm="ortho")
    return np.fft.fftshift(z, axes)


@pytest.mark.parametrize("sides", SIDES)
def test_mri_is_the_masked_centred_transform(sides):
    mask, x = draw(*sides) > 0, draw(2, 4, *sides)
    planes = x[:, 0::2].numpy() + 1j * x[:, 1::2].numpy()
    want = np.fft.ifftshift(fft2c(planes), axes=(-2, -1)) * mask.numpy()
    y = MRI((4, *sides), mask).double()(x)
    assert np.allclose(torch.view_as_complex(y).numpy(), want, atol=1e-13)


@pytest.mark.parametrize("sides", SIDES)
def test_real_images_have_the_same_spectrum_as_complex_ones(sides):
    mask, x = draw(*sides) > 0, draw(2, 3, *sides)
    pairs = torch.stack([x, torch.zeros_like(x)], 2).flatten(1, 2)
    real, complex_ = Fourier((3, *sides), mask).double(), MRI((6, *sides), mask).double()
    assert torch.allclose(real(x), complex_(pairs), atol=1e-14)
    adjoint = complex_.adjoint(real(x))[:, 0::2]
    assert torch.allclose(real.adjoint(real(x)), adjoint, atol=1e-14)


def test_half_of_a_real_spectrum_is_enough():
    """One of every k and −k: everything is known, each value from one measurement of two."""
    mask = torch.zeros(6, 8, dtype=torch.bool)
    mask[:, :5] = True
    operator, x = Fourier((1, 6, 8), mask).double(), draw(1, 1, 6, 8)
    close(operator.pinv(operator(x)), x, 1e-12)
    assert operator.norm() == 1
    assert float(operator.spectrum.min()) == pytest.approx(0.5**0.5)


@pytest.mark.parametrize("make", [mri, fourier])
def test_the_decomposition_is_one(make):
    operator = make((2, 6, 5), acceleration=2, centre=0.2).double()
    x, y = draw(2, 2, 6, 5), draw(2, *operator.out_shape)
    close(operator.u(operator.s * operator.vt(x)), operator(x), 1e-12)
    close(operator.v(operator.s * operator.ut(y)), operator.adjoint(y), 1e-12)
    z = operator.vt(x) * (operator.s > 0)
    assert torch.allclose(operator.ut(operator.u(z)), z, atol=1e-12)
    assert torch.allclose(operator.vt(operator.v(z)), z, atol=1e-12)


def test_coils_are_seen_through_their_maps():
    maps, mask, x = kspace.birdcage((2, 6, 5), 3), draw(6, 5) > 0, draw(2, 2, 6, 5)
    y = MultiCoilMRI((2, 6, 5), maps, mask).double()(x)
    for c in range(3):
        seen = torch.complex(x[:, 0], x[:, 1]) * maps[c]
        one = MRI((2, 6, 5), mask).double()(torch.stack([seen.real, seen.imag], 1))
        assert torch.allclose(y[:, c], one[:, 0], atol=1e-14)


def test_coils_make_up_for_lines():
    """Every other line is lost, and four coils bring it back (SENSE)."""
    operator, x = mri_multicoil((2, 8, 8), 4, 2, 0.1, "equispaced").double(), draw(1, 2, 8, 8)
    assert operator.measured == 2 * 4 * 8 * 4
    close(operator.pinv(operator(x)), x, 1e-8)


def test_birdcage_maps_sum_to_one():
    maps = kspace.birdcage((1, 5, 7), 6)
    assert maps.shape == (6, 5, 7) and maps.is_complex()
    assert torch.allclose(maps.abs().square().sum(0), torch.ones(5, 7).double())
    assert int(maps[0].abs()[2].argmax()) == 6  # the first coil stands to the right


@pytest.mark.parametrize("width", [32, 33, 50])
def test_lines(width):
    shape = (1, 4, width)
    mask = kspace.lines(shape, 4, 0.1, "random", 3)
    middle = torch.fft.fftshift(mask[0])
    low = round(0.1 * width)
    assert mask.dtype == torch.bool and int(mask[0].sum()) == round(width / 4)
    assert bool((mask == mask[0]).all()) and bool(mask[0, 0])
    assert bool(middle[width // 2 - low // 2 : width // 2 + (low + 1) // 2].all())
    assert not torch.equal(mask, kspace.lines(shape, 4, 0.1, "random", 4))
    even = kspace.lines(shape, 4, 0.0, "equispaced")[0].nonzero().flatten()
    steps = ((even + width // 2) % width).sort().values.diff()
    assert 0 in even and bool((steps == 4).all())


def test_masks_from_files_have_their_middle_in_the_middle(tmp_path):
    np.save(tmp_path / "mask.npy", np.pad(np.ones((1, 1)), ((3, 2), (4, 3))))
    x = torch.full((1, 2, 6, 8), 0.5)
    for make in (mri_file, fourier_file):
        operator = make((2, 6, 8), tmp_path / "mask.npy")
        close(operator.pinv(operator(x)), x, 1e-6)


ONES = torch.ones(4, 6)
WRONG = {
    "odd channels": (lambda: MRI((3, 4, 6), ONES), "pairs of channels"),
    "mask size": (lambda: MRI((2, 4, 6), torch.ones(6, 4)), r"MRI: mask must be .*\(6, 4\)"),
    "mask values": (lambda: Fourier((1, 4, 6), 0.5 * ONES), "Fourier: mask must hold only 0"),
    "empty mask": (lambda: Fourier((1, 4, 6), 0 * ONES), "keeps no frequency"),
    "real maps": (lambda: MultiCoilMRI((2, 4, 6), torch.ones(3, 4, 6), ONES), "maps must be"),
    "maps size": (
        lambda: MultiCoilMRI((2, 4, 6), torch.ones(3, 6, 4, dtype=torch.complex64), ONES),
        r"\(coils, 4, 6\), got \(1, 3, 6, 4\)",
    ),
    "channels": (
        lambda: MultiCoilMRI((3, 4, 6), torch.ones(3, 4, 6, dtype=torch.complex64), ONES),
        "1 or 2 channels",
    ),
    "batches": (
        lambda: MultiCoilMRI(
            (2, 4, 6), torch.ones(3, 2, 4, 6, dtype=torch.complex64), ONES.expand(2, 1, 4, 6)
        ),
        "3 sets of maps and 2 masks do not mix",
    ),
    "pattern": (lambda: kspace.lines((1, 4, 6), 2, 0.1, "radial"), "pattern 'radial'"),
    "acceleration": (lambda: mri((2, 4, 6), 0.5), "acceleration must be 1 or more"),
    "middle": (lambda: mri((2, 4, 16), 8, 0.5), "at most round"),
    "fraction": (lambda: mri((2, 4, 16), 2.5, 0.1, "equispaced"), "whole acceleration"),
    "radius": (lambda: kspace.birdcage((1, 4, 6), 3, 1.0), "birdcage: radius"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)
