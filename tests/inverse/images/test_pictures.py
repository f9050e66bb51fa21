"""Reading and writing pictures: every kind of file a user may bring, and every bad one."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from inverse.files import write_atomic
from inverse.images import (
    PHOTOGRAPHS,
    ImageError,
    from_unit,
    list_images,
    load_image,
    sample_photograph,
    save_image,
    to_unit,
)


def colours(height=6, width=9):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def unit(path):
    return to_unit(load_image(path)).permute(1, 2, 0).numpy()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_reads_colour_in_range(tmp_path, suffix):
    pixels = np.full((16, 24, 3), (200, 100, 50), np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"a{suffix}", quality=95)
    x = load_image(tmp_path / f"a{suffix}")
    assert x.shape == (3, 16, 24) and x.dtype == torch.float32 and x.is_contiguous()
    assert np.allclose(to_unit(x)[:, 4, 4].numpy() * 255, (200, 100, 50), atol=3)


def test_png_round_trip_is_exact(tmp_path):
    pixels = colours()
    Image.fromarray(pixels).save(tmp_path / "a.png")
    save_image(load_image(tmp_path / "a.png"), tmp_path / "b.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "b.png")), pixels)


def test_exif_orientation(tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    x = load_image(tmp_path / "a.png")
    assert x.shape == (3, 16, 8)
    assert (x[:, :8] == 1).all() and (x[:, 8:] == -1).all()


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = colours()[..., 0]
    Image.fromarray(grey).save(tmp_path / "a.png")
    assert np.allclose(unit(tmp_path / "a.png"), grey[..., None] / 255, atol=1e-6)


def test_sixteen_bit_grey_keeps_its_depth(tmp_path):
    grey = np.array([[0, 1, 257], [30000, 65534, 65535]], np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    assert np.allclose(unit(tmp_path / "a.png")[..., 1], grey / 65535, atol=1e-6)


def test_transparency_is_composited_on_white(tmp_path):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0, 3], pixels[0, 1, 3] = 255, 128
    Image.fromarray(pixels).save(tmp_path / "a.png")
    seen = unit(tmp_path / "a.png")[..., 0]
    assert np.allclose(seen, [[0, 127 / 255], [1, 1]], atol=1e-6)


def test_palette_with_and_without_transparency(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png")
    assert np.allclose(unit(tmp_path / "a.png")[0], [[1, 0, 0], [0, 0, 1]])
    image.save(tmp_path / "b.png", transparency=1)
    assert np.allclose(unit(tmp_path / "b.png")[0], [[1, 0, 0], [1, 1, 1]])


def test_size_takes_the_central_square(tmp_path):
    pixels = np.zeros((8, 20, 3), np.uint8)
    pixels[:, 6:14] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for size in (4, 8, 16):
        x = load_image(tmp_path / "a.png", size=size)
        assert x.shape == (3, size, size) and torch.allclose(x, torch.ones(1))


def missing(folder):
    return folder / "none.png"


def a_folder(folder):
    return folder


def text(folder):
    (folder / "t.png").write_text("not a picture")
    return folder / "t.png"


def empty(folder):
    (folder / "e.png").touch()
    return folder / "e.png"


def cut_short(folder, suffix=".png"):
    Image.fromarray(colours(64, 64)).save(folder / f"whole{suffix}")
    data = (folder / f"whole{suffix}").read_bytes()
    (folder / f"cut{suffix}").write_bytes(data[: len(data) // 2])
    return folder / f"cut{suffix}"


def cut_jpeg(folder):
    return cut_short(folder, ".jpg")


@pytest.mark.parametrize("bad", [missing, a_folder, text, empty, cut_short, cut_jpeg])
def test_bad_file_is_one_clear_line(tmp_path, bad):
    path = bad(tmp_path)
    with pytest.raises((ImageError, FileNotFoundError)) as caught:
        load_image(path)
    line = str(caught.value)
    assert str(path) in line and "\n" not in line and ";" in line


def test_list_images_is_sorted_and_skips_the_rest(tmp_path):
    for name in ("b.png", "a.JPG", "c.webp", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "sub.png").mkdir()
    assert [f.name for f in list_images(tmp_path)] == ["a.JPG", "b.png", "c.webp"]
    with pytest.raises(ImageError, match="holds no"):
        list_images(tmp_path / "sub.png")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        list_images(tmp_path / "none")


def test_save_clamps_and_rounds_to_nearest(tmp_path):
    levels = torch.tensor([-0.4, 0.4, 0.6, 254.4, 254.6, 300.0])
    save_image(from_unit(levels / 255).view(1, 1, 6), tmp_path / "a.png")
    assert np.asarray(Image.open(tmp_path / "a.png")).tolist() == [[0, 0, 1, 254, 255, 255]]


@pytest.mark.parametrize("x", [torch.zeros(2, 4, 4), torch.zeros(1, 3, 4, 4), torch.zeros(3, 0, 4)])
def test_save_refuses_other_shapes(tmp_path, x):
    with pytest.raises(ImageError, match="must be"):
        save_image(x, tmp_path / "a.png")


def test_save_refuses_nan_and_unknown_suffix(tmp_path):
    with pytest.raises(ImageError, match="NaN"):
        save_image(torch.full((3, 2, 2), torch.nan), tmp_path / "a.png")
    with pytest.raises(ImageError, match="suffix"):
        save_image(torch.zeros(3, 2, 2), tmp_path / "a.xyz")
    assert not list(tmp_path.iterdir())


def test_save_leaves_the_tensor_alone(tmp_path):
    x = torch.full((3, 2, 2), 3.0)
    save_image(x, tmp_path / "a.png")
    assert (x == 3).all()


def test_write_is_whole_or_nothing(tmp_path, monkeypatch):
    target = tmp_path / "a.json"
    write_atomic(target, "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomic(target, "new")
    assert str(target) in str(caught.value)
    assert target.read_text() == "old" and [f.name for f in tmp_path.iterdir()] == ["a.json"]


def test_unwritable_folder_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(OSError, match="give a folder") as caught:
            save_image(torch.zeros(3, 2, 2), folder / "a.png")
        assert str(folder / "a.png") in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_one_clear_line(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="give a folder"):
        save_image(torch.zeros(3, 2, 2), tmp_path / "a.png")


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_come_without_a_download(name):
    x = sample_photograph(name)
    assert x.shape == (3, 256, 256) and x.min() >= -1 and x.max() <= 1 and x.std() > 0.2


def test_unknown_photograph_names_the_known_ones():
    with pytest.raises(ImageError, match="astronaut"):
        sample_photograph("mona-lisa")
