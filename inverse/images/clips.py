"""Clips on disk <-> tensors (3, T, H, W) in [-1, 1]: animations, folders, arrays, films."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageSequence
from torch import Tensor

from inverse.files import write_atomic
from inverse.images.pictures import (
    ImageError,
    from_unit,
    list_images,
    load_image,
    to_picture,
)

ANIMATIONS, FILMS = (".gif", ".webp", ".png"), (".mp4", ".mov", ".mkv", ".avi", ".webm")


def load_clip(path: str | Path, *, frames: int | None = None) -> Tensor:
    """Read a clip as (3, T, H, W) float32 in [-1, 1].

    A GIF, WebP or PNG animation; a folder of pictures of one size, by name; an array `.npy`
    (T, H, W, 3) of uint8 or (T, 3, H, W) in [-1, 1]; a film, by imageio (extra `video`).

    Args:
        frames: the first so many; None: all.

    Raises:
        FileNotFoundError: for a path that is not there.
        ImageError: for a file that is no clip, frames of several sizes, or fewer than asked for.
        ImportError: for a film without imageio.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"clip {path}: no such file or folder; check the path")
    clip = _read(path)
    if frames is not None and not 0 < frames <= clip.shape[1]:
        raise ImageError(f"clip {path}: frames={frames} must be 1 to {clip.shape[1]}, all it has")
    return clip[:, :frames].contiguous()


def save_clip(x: Tensor, path: str | Path, *, rate: float = 8.0) -> None:
    """Write a clip (3 or 1, T, H, W) in [-1, 1] whole: `.gif`, `.webp`, `.npy` or a film.

    Args:
        rate: frames a second.

    Raises:
        ImageError: for another shape or an unknown suffix.
        ImportError: for a film without imageio.
    """
    path, buffer = Path(path).expanduser(), io.BytesIO()
    if x.ndim != 4:
        raise ImageError(f"clip {path}: must be (C, T, H, W), got {tuple(x.shape)}")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        np.save(buffer, x.movedim(1, 0).detach().cpu().numpy())
    elif suffix in (".gif", ".webp"):
        first, *rest = [to_picture(frame) for frame in x.movedim(1, 0)]
        options = {"lossless": True} if suffix == ".webp" else {}
        wait = round(1000 / rate)
        first.save(
            buffer, suffix[1:], save_all=True, append_images=rest, duration=wait, loop=0, **options
        )
    elif suffix in FILMS:
        pixels = np.stack([np.asarray(to_picture(frame)) for frame in x.movedim(1, 0)])
        buffer.write(_imageio(path).imwrite("<bytes>", pixels, extension=suffix, fps=rate))
    else:
        raise ImageError(f"clip {path}: unknown suffix; use .gif, .webp, .npy, {', '.join(FILMS)}")
    write_atomic(path, buffer.getvalue())


def contact_sheet(clips: Sequence[Tensor], columns: int = 8) -> Image.Image:
    """Clips (C, T, H, W) of one size below each other, each a row of at most `columns` frames."""
    count = clips[0].shape[1]
    shown = [round(i * (count - 1) / max(columns - 1, 1)) for i in range(min(columns, count))]
    rows = [torch.cat([clip[:, t] for t in shown], 2) for clip in clips]
    return to_picture(torch.cat(rows, 1))


def _read(path: Path) -> Tensor:
    if path.is_dir():
        return _stacked(path, [load_image(file) for file in list_images(path)])
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _from_array(path, np.load(path, allow_pickle=False))
    if suffix in FILMS:
        film = np.stack(list(_imageio(path).imiter(path)))
        return _from_array(path, film)
    if suffix not in ANIMATIONS:
        known = ", ".join((*ANIMATIONS, *FILMS))
        raise ImageError(f"clip {path}: is no clip; give a folder, .npy, {known}")
    try:
        with Image.open(path) as picture:
            shots = [np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(picture)]
    except (OSError, ValueError) as error:
        raise ImageError(f"clip {path}: cannot be read ({error}); give a whole file") from error
    return _from_array(path, np.stack(shots))


def _from_array(path: Path, pixels: np.ndarray) -> Tensor:
    if pixels.ndim == 4 and pixels.dtype == np.uint8 and pixels.shape[3] == 3:
        clip = from_unit(torch.from_numpy(pixels.astype(np.float32) / 255))
        return clip.permute(3, 0, 1, 2).contiguous()
    inside = pixels.dtype.kind == "f" and pixels.size and np.abs(pixels).max() <= 1
    if pixels.ndim == 4 and pixels.shape[1] == 3 and inside:
        return torch.from_numpy(pixels.astype(np.float32)).movedim(0, 1).contiguous()
    raise ImageError(
        f"clip {path}: must be (T, H, W, 3) of uint8 or (T, 3, H, W) in [-1, 1], got "
        f"{pixels.shape} of {pixels.dtype}"
    )


def _stacked(path: Path, frames: list[Tensor]) -> Tensor:
    if len({frame.shape for frame in frames}) > 1:
        raise ImageError(f"clip {path}: its pictures are of several sizes; give frames of one")
    return torch.stack(frames, 1)


def _imageio(path: Path):  # noqa: ANN202
    try:
        import imageio.v3
    except ImportError as error:
        raise ImportError(
            f"clip {path}: films need imageio; pip install 'anytime-inverse[video]', or give a "
            ".gif, a folder of frames or a .npy"
        ) from error
    return imageio.v3
