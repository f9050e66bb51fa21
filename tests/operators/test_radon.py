"""The projector against scikit-image, exact line integrals, and its own transpose."""

import time

import numpy as np
import pytest
import torch

from operators import Radon, radon
from operators.medical._radon import joseph

ANGLES = [17.0 * i for i in range(11)]


def blobs(n):
    y, x = np.mgrid[:n, :n] - (n - 1) / 2
    first = np.exp(-((x - 7) ** 2 + (y + 4) ** 2) / 60)
    second = 0.5 * np.exp(-((x + 6) ** 2 + (y - 9) ** 2) / 30)
    return (first + second) * (x**2 + y**2 < ((n - 1) / 2) ** 2)


def test_scikit_image_to_the_interpolation_error():
    transform = pytest.importorskip("skimage.transform")
    image = blobs(65)  # of odd side: there the middle of both conventions is a pixel
    want = transform.radon(image, np.array(ANGLES), circle=True).T
    operator = Radon((1, 65, 65), ANGLES, detectors=65, pixel=1.0).double()
    got = operator(torch.from_numpy(image)[None, None])[0, 0].numpy()
    assert np.linalg.norm(got - want) < 2e-3 * np.linalg.norm(want)
    assert np.abs(got - want).max() < 5e-3 * want.max()


def test_one_channel_takes_no_longer_than_three():
    def seconds(channels):
        operator = radon((channels, 128, 128), 40)
        x = torch.ones(1, *operator.in_shape)
        times = []
        for _ in range(5):
            begin = time.thread_time()
            operator.gram(x)
            times.append(time.thread_time() - begin)
        return min(times)

    assert seconds(1) < 1.7 * seconds(3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_picture_alone_is_projected_as_among_others(dtype):
    operator = radon((1, 12, 9), 7).to(dtype)
    x = torch.randn(3, *operator.in_shape).to(dtype)
    y, near = operator(x), 100 * torch.finfo(dtype).eps
    for one, among in zip(x, y, strict=True):
        assert torch.allclose(operator(one[None])[0], among, rtol=near, atol=near)
        back = operator.adjoint(among[None])[0]
        assert torch.allclose(back, operator.adjoint(y)[x.eq(one).flatten(1).all(1)][0], near, near)


def test_a_disc_has_the_chords_of_a_circle():
    n, radius, fine = 64, 20.0, 8
    place = (np.arange(n * fine) + 0.5) / fine - n / 2
    inside = (place[:, None] - 3) ** 2 + (place - 5) ** 2 <= radius**2  # 3 down, 5 to the right
    disc = inside.reshape(n, fine, n, fine).mean((1, 3))
    operator = Radon((1, n, n), ANGLES, pixel=1.0).double()
    got = operator(torch.from_numpy(disc)[None, None])[0, 0].numpy()
    t = np.arange(operator.out_shape[2]) - (operator.out_shape[2] - 1) / 2
    middle = 5 * np.cos(np.deg2rad(ANGLES)) - 3 * np.sin(np.deg2rad(ANGLES))
    want = 2 * np.sqrt(np.clip(radius**2 - (t - middle[:, None]) ** 2, 0, None))
    assert np.linalg.norm(got - want) < 0.02 * np.linalg.norm(want)


def test_at_right_angles_it_sums_columns_and_rows():
    x = torch.randn(2, 3, 6, 5, dtype=torch.float64)
    y = Radon((3, 6, 5), [0, 90], detectors=5, pixel=1.0).double()(x)
    assert torch.allclose(y[:, :, 0], x.sum(2), atol=1e-12)
    y = Radon((3, 6, 5), [0, 90], detectors=6, pixel=1.0).double()(x)
    assert torch.allclose(y[:, :, 1], x.flip(2).sum(3), atol=1e-12)  # t counts upwards


def test_turning_the_image_is_turning_the_angle():
    x = torch.randn(1, 1, 8, 8, dtype=torch.float64)
    angles = [10.0, 33.0, 61.0]
    turned = Radon((1, 8, 8), [a + 90 for a in angles]).double()(x.rot90(1, (2, 3)))
    assert torch.allclose(turned, Radon((1, 8, 8), angles).double()(x), atol=1e-12)


def test_the_weights_of_a_line_are_its_length():
    """Through an image of ones: the chord of the square, but for the half pixels at its ends."""
    for angle in (0.0, 30.0, 45.0, 80.0):
        counts, _, weights = joseph(angle, (40, 40), 1)
        a = np.deg2rad(angle)
        chord = 40 / max(abs(np.cos(a)), abs(np.sin(a)))
        assert int(counts) == len(weights)
        assert float(weights.sum()) == pytest.approx(chord, abs=1e-9)


def test_the_scale_is_the_images_unless_given():
    x = torch.ones(1, 1, 16, 16)
    assert float(radon((1, 16, 16), 4)(x)[:, :, 0].max()) == pytest.approx(1.0)
    assert float(radon((1, 16, 16), 4, pixel=1)(x)[:, :, 0].max()) == pytest.approx(16.0)
    assert radon((1, 16, 16), 4).angles == [0, 45, 90, 135]


def test_nothing_is_lost_in_a_change_of_dtype():
    x = torch.randn(1, 1, 6, 6, dtype=torch.float64)
    assert torch.equal(radon((1, 6, 6), 5).double()(x), radon((1, 6, 6), 5).half().double()(x))


WRONG = {
    "no angles": (lambda: Radon((1, 4, 4), []), "Radon: angles"),
    "no count": (lambda: radon((1, 4, 4), 0), "Radon: angles"),
    "NaN": (lambda: Radon((1, 4, 4), [0.0, np.nan]), "Radon: angles"),
    "pixel": (lambda: radon((1, 4, 4), 3, pixel=0), "Radon: pixel"),
    "detectors": (lambda: radon((1, 4, 4), 3, detectors=0), "Radon: detectors"),
    "rank": (lambda: radon((4, 4), 3), r"image_shape must be \(C, H, W\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_angles_come_from_a_text_file_and_lengths_have_a_unit(tmp_path):
    (tmp_path / "angles.txt").write_text("0\n45.5\n90\n")
    shape = (1, 12, 10)
    operator = radon(shape, str(tmp_path / "angles.txt"), pixel=0.5)
    assert operator.angles == [0, 45.5, 90]
    column = operator(torch.ones(1, *shape))[0, 0, 0]
    assert float(column.max()) == pytest.approx(12 * 0.5)
    (tmp_path / "angles.txt").write_text("first, second")
    with pytest.raises(ValueError, match="must hold angles in degrees"):
        radon(shape, str(tmp_path / "angles.txt"))
