"""Masks, kernels and the files they come from."""

import numpy as np
import pytest
import torch

from operators import inpaint_file, kernels, masks

SHAPE = (3, 20, 30)


def test_random_keeps_the_fraction_it_says():
    mask = masks.random(SHAPE, keep=0.3, seed=4)
    assert mask.dtype == torch.bool and mask.shape == (20, 30) and int(mask.sum()) == 180
    assert torch.equal(mask, masks.random(SHAPE, 0.3, 4))
    assert not torch.equal(mask, masks.random(SHAPE, 0.3, 0))
    assert masks.random(SHAPE, 1.0).all() and int(masks.random(SHAPE, 1e-9).sum()) == 1


def test_box_half_brush():
    box = masks.box(SHAPE, height=4, width=6, top=1, left=2)
    assert int((~box).sum()) == 24 and not box[1:5, 2:8].any()
    assert int((~masks.box(SHAPE)).sum()) == 150
    for side, lost in (("left", 300), ("right", 300), ("top", 300), ("bottom", 300)):
        assert int((~masks.half(SHAPE, side)).sum()) == lost
    assert masks.half((1, 1, 5), "right").tolist() == [[True, True, True, False, False]]
    brush = masks.brush((3, 64, 64), seed=1)
    assert 0.02 < float((~brush).float().mean()) < 0.7
    assert torch.equal(brush, masks.brush((3, 64, 64), seed=1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: masks.random(SHAPE, keep=0.0),
        lambda: masks.random(SHAPE, keep=1.5),
        lambda: masks.random((20, 30)),
        lambda: masks.box(SHAPE, height=21),
        lambda: masks.box(SHAPE, height=20, width=30),
        lambda: masks.box(SHAPE, height=4, top=-1),
        lambda: masks.half(SHAPE, "middle"),
    ],
)
def test_wrong_masks(make):
    with pytest.raises(ValueError, match="mask"):
        make()


def test_mask_files(tmp_path):
    image = pytest.importorskip("PIL.Image")
    mask = masks.random(SHAPE, 0.5, 0)
    array = mask.numpy().astype(np.uint8)
    image.fromarray(array * 255).save(tmp_path / "m.png")
    image.fromarray(array * 255).convert("RGB").save(tmp_path / "rgb.png")
    np.save(tmp_path / "m.npy", array)
    np.savez(tmp_path / "one.npz", m=array)
    np.savez(tmp_path / "two.npz", a=array, b=1 - array)
    for name, key in (("m.png", None), ("rgb.png", None), ("m.npy", None), ("one.npz", None)):
        assert torch.equal(masks.from_file(SHAPE, tmp_path / name, key), mask), name
    assert torch.equal(masks.from_file(SHAPE, tmp_path / "two.npz", "b"), ~mask)
    assert inpaint_file(SHAPE, tmp_path / "m.png").measured == 900
    with pytest.raises(ValueError, match=r"m.png is \(20, 30\), the image is \(8, 8\)"):
        masks.from_file((3, 8, 8), tmp_path / "m.png")
    with pytest.raises(ValueError, match=r"two.npz: give the key .*\(a, b\)"):
        masks.from_file(SHAPE, tmp_path / "two.npz")


def test_unreadable_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        masks.from_file(SHAPE, tmp_path / "none.png")
    for name in ("bad.png", "bad.npy", "bad.npz"):
        (tmp_path / name).write_bytes(b"this is not an image")
        with pytest.raises(ValueError, match="cannot be read") as error:
            masks.from_file(SHAPE, tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(FileNotFoundError):
        kernels.from_file(tmp_path / "none.npy")


@pytest.mark.parametrize(
    "kernel",
    [
        kernels.gaussian(61, 3.0),
        kernels.gaussian(1, 1.0),
        kernels.motion(61, 0),
        kernels.motion(9, 7, extent=1.0, curl=4.0),
        kernels.motion(1, 0),
        kernels.defocus(15),
        kernels.defocus(7, 2.2),
    ],
)
def test_kernels_sum_to_one(kernel):
    assert kernel.dtype == torch.float64 and kernel.shape[0] == kernel.shape[1]
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-12) and float(kernel.min()) >= 0


def test_gaussian_has_its_width():
    kernel, i = kernels.gaussian(61, 3.0), torch.arange(61, dtype=torch.float64) - 30
    assert float((kernel.sum(1) * i**2).sum()) == pytest.approx(9, rel=1e-3)
    assert torch.allclose(kernel, kernel.flip(0, 1)) and torch.allclose(kernel, kernel.T)


def test_motion_depends_on_its_seed_only():
    assert torch.equal(kernels.motion(31, 2), kernels.motion(31, 2))
    assert not torch.allclose(kernels.motion(31, 2), kernels.motion(31, 3))
    rows = torch.nonzero(kernels.motion(61, 2, extent=0.5))
    spread = (rows.amax(0) - rows.amin(0)).max()
    assert 29 <= int(spread) <= 33
    bright = kernels.motion(61, 2) > 0
    assert bright.float().mean() < 0.1  # a track, not a blob


def test_kernel_files(tmp_path):
    np.save(tmp_path / "k.npy", np.full((3, 5), 2.0))
    kernel = kernels.from_file(tmp_path / "k.npy")
    assert kernel.shape == (3, 5) and float(kernel.sum()) == pytest.approx(1)
    for array in (np.ones((4, 4)), np.ones(3), np.zeros((3, 3)), np.full((3, 3), np.nan)):
        np.save(tmp_path / "bad.npy", array)
        with pytest.raises(ValueError, match="kernel"):
            kernels.from_file(tmp_path / "bad.npy")


@pytest.mark.parametrize(
    "make",
    [
        lambda: kernels.gaussian(60, 3.0),
        lambda: kernels.gaussian(61, 0.0),
        lambda: kernels.motion(0),
        lambda: kernels.motion(9, extent=0),
        lambda: kernels.defocus(9, 6.0),
    ],
)
def test_wrong_kernels(make):
    with pytest.raises(ValueError, match="kernel"):
        make()
