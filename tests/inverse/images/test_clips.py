"""Clips come in and go out as they are: animations, folders, arrays, films."""

import numpy as np
import pytest
import torch

from inverse.images import ImageError, contact_sheet, load_clip, save_clip, save_image


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


def test_films_come_back_alike(tmp_path):
    pytest.importorskip("imageio_ffmpeg", reason="imageio's ffmpeg is not installed")
    ramp = torch.linspace(-0.8, 0.8, 64).expand(3, 4, 64, 64).contiguous()
    save_clip(ramp, tmp_path / "c.mp4")
    found = load_clip(tmp_path / "c.mp4")
    assert found.shape == ramp.shape
    assert float((found - ramp).abs().mean()) < 0.05


def test_what_is_no_clip_is_refused_in_words(tmp_path):
    (tmp_path / "sizes").mkdir()
    save_image(clip()[:, 0], tmp_path / "sizes" / "a.png")
    save_image(clip()[:, 0, :4], tmp_path / "sizes" / "b.png")
    np.save(tmp_path / "far.npy", np.full((2, 3, 8, 10), 7.0))
    (tmp_path / "cut.gif").write_bytes(b"GIF89a")
    for file, words in (
        ("sizes", "several sizes"),
        ("far.npy", "must be"),
        ("cut.gif", "cannot be read"),
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
