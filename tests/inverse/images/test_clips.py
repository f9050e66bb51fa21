"""Clips come in and go out as they are: animations, folders, arrays, films."""

import numpy as np
import pytest
import torch
from PIL import Image

from inverse.images import (
    ImageError,
    clip_rate,
    contact_sheet,
    is_clip,
    load_clip,
    load_image,
    save_clip,
    save_image,
)


def clip(frames: int = 4) -> torch.Tensor:
    levels = torch.arange(3 * frames * 8 * 10).view(3, frames, 8, 10) % 256
    return levels / 127.5 - 1


def test_arrays_come_back_to_the_bit(tmp_path):
    save_clip(clip(), tmp_path / "c.npy")
    assert torch.equal(load_clip(tmp_path / "c.npy"), clip())


def test_lossless_animations_come_back_to_a_level(tmp_path):
    save_clip(clip(), tmp_path / "c.webp")
    assert float((load_clip(tmp_path / "c.webp") - clip()).abs().max()) < 1 / 127


def test_gifs_have_all_frames(tmp_path):
    save_clip(clip(5), tmp_path / "c.gif")
    assert load_clip(tmp_path / "c.gif").shape == (3, 5, 8, 10)
    assert load_clip(tmp_path / "c.gif", frames=2).shape[1] == 2


def test_a_folder_of_frames_is_a_clip_by_name(tmp_path):
    for t in range(3):
        save_image(clip()[:, t], tmp_path / f"{t:03d}.png")
    assert float((load_clip(tmp_path) - clip()[:, :3]).abs().max()) < 1 / 127


def test_bytes_of_pixels_are_read_as_pixels(tmp_path):
    np.save(tmp_path / "c.npy", np.full((2, 8, 10, 3), 255, np.uint8))
    assert torch.equal(load_clip(tmp_path / "c.npy"), torch.ones(3, 2, 8, 10))


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".webm"])
@pytest.mark.parametrize("width", [64, 51], ids=["even", "odd"])
def test_films_come_back_alike_in_their_own_size(tmp_path, suffix, width):
    pytest.importorskip("imageio_ffmpeg", reason="imageio's ffmpeg is not installed")
    ramp = torch.linspace(-0.8, 0.8, width).expand(3, 4, 38, width).contiguous()
    save_clip(ramp, tmp_path / f"c{suffix}", rate=12)
    found = load_clip(tmp_path / f"c{suffix}")
    assert found.shape == ramp.shape
    assert float((found - ramp).abs().mean()) < 0.03
    assert clip_rate(tmp_path / f"c{suffix}") == pytest.approx(12, abs=0.1)
    assert load_clip(tmp_path / f"c{suffix}", frames=2).shape[1] == 2


def test_what_is_no_film_is_refused_in_one_line(tmp_path):
    pytest.importorskip("imageio_ffmpeg", reason="imageio's ffmpeg is not installed")
    (tmp_path / "c.mp4").write_bytes(b"no film")
    for read in (load_clip, clip_rate):
        with pytest.raises(ImageError, match="give a whole film") as error:
            read(tmp_path / "c.mp4")
        assert "\n" not in str(error.value)


def test_transparent_frames_are_read_upon_white_as_pictures_are(tmp_path):
    clear = Image.new("RGBA", (8, 6), (200, 0, 0, 0))
    solid = Image.new("RGBA", (8, 6), (200, 0, 0, 255))
    for suffix in ("gif", "webp", "png"):
        options = {"append_images": [solid], "save_all": True, "disposal": 2}
        clear.save(tmp_path / f"c.{suffix}", lossless=True, **options)
        found = load_clip(tmp_path / f"c.{suffix}")
        assert torch.equal(found[:, 0], torch.ones(3, 6, 8)), suffix
        assert torch.equal(found[:, 0], load_image(tmp_path / f"c.{suffix}")), suffix


def test_a_folder_is_written_and_read_by_the_numbers_of_its_frames(tmp_path):
    save_clip(clip(12), tmp_path / "c")
    assert [p.name for p in sorted((tmp_path / "c").iterdir())][-1] == "011.png"
    assert float((load_clip(tmp_path / "c") - clip(12)).abs().max()) < 1 / 127


def test_arrays_hold_what_pictures_show(tmp_path):
    """Values beyond white are cut off, and grey clips come back grey."""
    save_clip(1.2 * clip()[:1], tmp_path / "c.npy")
    found = load_clip(tmp_path / "c.npy", channels=None)
    assert torch.equal(found, (1.2 * clip()[:1]).clamp(-1, 1))
    assert load_clip(tmp_path / "c.npy").shape[0] == 3


def test_frames_are_cut_square_and_resized_as_pictures_are(tmp_path):
    save_clip(clip(), tmp_path / "c.webp")
    save_image(clip()[:, 0], tmp_path / "c.png")
    small = load_clip(tmp_path / "c.webp", size=4)
    assert small.shape == (3, 4, 4, 4)
    assert torch.allclose(small[:, 0], load_image(tmp_path / "c.png", size=4), atol=1e-6)


def test_a_gif_is_a_clip_by_its_frames_and_tells_its_rate(tmp_path):
    save_clip(clip(), tmp_path / "c.gif", rate=5)
    Image.new("RGB", (8, 8)).save(tmp_path / "one.gif")
    assert is_clip(tmp_path / "c.gif") and not is_clip(tmp_path / "one.gif")
    assert is_clip("film.mp4") and not is_clip(tmp_path)
    assert clip_rate(tmp_path / "c.gif") == 5 and clip_rate(tmp_path) == 8


def test_what_is_no_clip_is_refused_in_words(tmp_path):
    (tmp_path / "sizes").mkdir()
    save_image(clip()[:, 0], tmp_path / "sizes" / "a.png")
    save_image(clip()[:, 0, :4], tmp_path / "sizes" / "b.png")
    np.save(tmp_path / "far.npy", np.full((2, 3, 8, 10), 7.0))
    (tmp_path / "cut.gif").write_bytes(b"GIF89a")
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY")
    for file, words in (
        ("sizes", "several sizes"),
        ("far.npy", "must be"),
        ("cut.gif", "cannot be read"),
        ("cut.npy", "cannot be read"),
        ("words.txt", "no such file"),
    ):
        with pytest.raises((ImageError, FileNotFoundError), match=words):
            load_clip(tmp_path / file)
    with pytest.raises(ImageError, match="1 to 4"):
        save_clip(clip(), tmp_path / "c.npy")
        load_clip(tmp_path / "c.npy", frames=9)
    with pytest.raises(ImageError, match="unknown suffix"):
        save_clip(clip(), tmp_path / "c.txt")


def test_a_contact_sheet_has_first_and_last():
    sheet = contact_sheet([clip(9), clip(9)], columns=3)
    assert sheet.size == (30, 16)
