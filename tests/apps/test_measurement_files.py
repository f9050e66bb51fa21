"""`inverse restore measurement=`: what files hold, and what they cannot mean."""

import numpy as np
import pytest
import torch
from PIL import Image

from inverse.images.units import within_reach
from operators import Radon

IDENTITY = ["operator=identity", "shape=[3,12,16]"]


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (3, 12, 16), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["f2", ">f4", "f8", "unit axis"])
def test_floats_of_any_width_are_values(inverse, pixels, kind):
    y = pixels / 127.5 - 1
    np.save("y.npy", y[None] if kind == "unit axis" else y.astype(kind))
    code, _, err, folder = inverse("measurement=y.npy", *IDENTITY)
    assert code == 0, err
    assert np.allclose(np.load(folder / "measurement.npy"), y, atol=2e-3)


def test_suffixes_in_capitals_are_the_same(inverse, pixels, tmp_path):
    np.save("y.npy", pixels / 127.5 - 1)
    (tmp_path / "y.npy").rename(tmp_path / "Y.NPY")
    code, _, err, _ = inverse("measurement=Y.NPY", *IDENTITY)
    assert code == 0, err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y, "y / 127.5 - 1"),
        (lambda y: y.astype("int64"), "y / 127.5 - 1"),
        (lambda y: y > 127, "as floats"),
        (lambda y: y / 127.5 - 1 + 0.5j, "got complex128; Identity"),
        (lambda y: y.astype("f4"), "y / 127.5 - 1"),
        (lambda y: (y / 127.5 - 1).transpose(1, 2, 0), "y.transpose(2, 0, 1)"),
        (lambda y: np.array(["a"]), "real numbers"),
        (lambda y: y[:, :5] / 255, "the file holds (3, 5, 16)"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_mend(inverse, pixels, change, message):
    np.save("y.npy", change(pixels))
    code, _, err, folder = inverse("measurement=y.npy", *IDENTITY)
    assert code == 1 and message in err and len(err.strip().splitlines()) == 1, err
    assert not list(folder.glob("*.png"))


def test_spectra_may_be_complex(inverse):
    fourier = ["operator=fourier", "shape=[3,32,32]"]
    _, _, _, first = inverse("operator=fourier")
    y = np.load(first / "measurement.npy")
    np.save("y.npy", y[..., 0] + 1j * y[..., 1])
    code, _, err, folder = inverse("measurement=y.npy", *fourier, folder="complex")
    assert code == 0, err
    assert np.array_equal(np.load(folder / "measurement.npy"), y)


@pytest.mark.parametrize(
    ("size", "operator"),
    [
        ((24, 20), ["operator=blur_gaussian", "operator.size=9", "operator.padding=valid"]),
        ((9, 8), ["operator=resample", "operator.scale=0.3"]),
        ((8, 7), ["operator=downsample"]),
    ],
)
def test_the_shape_of_the_image_behind_a_picture_is_heeded(inverse, size, operator):
    Image.effect_noise(size, 60).convert("RGB").save("seen.png")
    code, _, err, folder = inverse("measurement=seen.png", "shape=[3,28,32]", *operator)
    assert code == 0, err
    assert Image.open(folder / "restored.png").size == (32, 28)


def test_a_picture_of_another_size_asks_for_the_shape(inverse, photo):
    code, _, err, _ = inverse(f"measurement={photo}", "operator=resample")
    assert code == 1 and "shape=[3,256,256]" in err
    code, _, err, _ = inverse("measurement=", "operator=identity")
    assert code == 1 and "measurement must be text (not empty)" in err


def test_whether_values_are_too_large_is_found_in_a_few_products():
    class Counted(Radon):
        products = 0

        def _forward(self, x):
            self.products += 1
            return super()._forward(x)

    operator = Counted((1, 24, 24), list(range(0, 180, 15)))
    x = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    y, operator.products = operator(x)[0], 0
    within_reach("y.npy", y, operator)
    within_reach("y.npy", 10 * y, operator)
    assert operator.products <= 10
    with pytest.raises(ValueError, match=r"too large for an image"):
        within_reach("y.npy", 255 * y, operator)
