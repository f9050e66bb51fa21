"""Clips on disk <-> tensors (3, T, H, W) in [-1, 1]: animations, folders, arrays, films."""

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageSequence
from torch import Tensor

from inverse.files import write_atomic
from inverse.images.films import FILMS, film_bytes, film_rate, is_film, read_film
from inverse.images.pictures import (
    ImageError,
    from_unit,
    list_images,
    load_image,
    resized,
    save_image,
    to_picture,
    with_channels,
)
from inverse.images.scans.pillow import planes

ANIMATIONS = (".gif", ".webp", ".png")
RATE = 8.0  # frames a second, of what does not say


def load_clip(
    path: str | Path,
    *,
    frames: int | None = None,
    size: int | None = None,
    channels: int | None = 3,
) -> Tensor:
    """Read a clip as (C, T, H, W) float32 in [-1, 1].

    A GIF, WebP or PNG animation; a folder of pictures of one size, by name; an array `.npy`
    (T, H, W, 3) of uint8 or (T, C, H, W) in [-1, 1]; a film, by imageio (extra `video`).
    Transparency is composited on white.

    Args:
        frames: the first so many; None: all. Of films and folders no more are read.
        size: the largest central square of each frame, resized to so many pixels; None: as it is.
        channels: 3 or 1, as in `load_image`; None: as many as the file has.

    Raises:
        FileNotFoundError: for a path that is not there.
        ImageError: for a file that is no clip, frames of several sizes, or fewer than asked for.
        ImportError: for a film without imageio's ffmpeg.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"clip {path}: no such file or folder; check the path")
    read = list(islice(_frames(path), frames))
    if not read or frames is not None and len(read) < frames:
        raise ImageError(f"clip {path}: frames={frames} must be 1 to {len(read)}, all it has")
    if len({frame.shape for frame in read}) > 1:
        raise ImageError(f"clip {path}: its pictures are of several sizes; give frames of one")
    try:
        shown = [with_channels(frame, channels) for frame in read]
    except ImageError as error:
        raise ImageError(f"clip {path}: {error}") from error
    return torch.stack([x if size is None else resized(x, size) for x in shown], 1)


def is_clip(path: str | Path) -> bool:
    """Whether a file is a clip without being said to be one: a film, or a GIF of several frames."""
    path = Path(path).expanduser()
    if path.suffix.lower() != ".gif" or not path.is_file():
        return is_film(path)
    try:
        with Image.open(path) as picture:
            return getattr(picture, "n_frames", 1) > 1
    except (OSError, ValueError):
        return False


def clip_rate(path: str | Path) -> float:
    """Frames a second, as a film or an animation tells; 8 of anything else."""
    path = Path(path).expanduser()
    if is_film(path):
        return film_rate(path)
    if path.suffix.lower() not in ANIMATIONS or path.is_dir():
        return RATE
    with Image.open(path) as picture:
        wait = picture.info.get("duration", 0)
    return 1000 / wait if wait else RATE


def save_clip(x: Tensor, path: str | Path, *, rate: float = RATE) -> None:
    """Write a clip (3 or 1, T, H, W) in [-1, 1] whole, values beyond cut off there.

    By the suffix a `.gif` (of 256 colours a frame), a `.webp` or `.png` (which lose none), a film,
    or an array `.npy` (T, C, H, W) in [-1, 1]; without one a folder of PNG, 000.png and so on. In
    animations equal frames in a row become one that is shown longer.

    Args:
        rate: frames a second.

    Raises:
        ImageError: for another shape or an unknown suffix.
        ImportError: for a film without imageio's ffmpeg.
    """
    path, buffer = Path(path).expanduser(), io.BytesIO()
    check_clip_target(path)
    if x.ndim != 4:
        raise ImageError(f"clip {path}: must be (C, T, H, W), got {tuple(x.shape)}")
    frames, suffix = x.movedim(1, 0), path.suffix.lower()
    if not suffix:
        path.mkdir(parents=True, exist_ok=True)
        for t, frame in enumerate(frames):
            save_image(frame, path / f"{t:0{max(3, len(str(len(frames) - 1)))}d}.png")
        return
    if suffix == ".npy":
        np.save(buffer, frames.detach().clamp(-1, 1).cpu().numpy())
    elif suffix in ANIMATIONS:
        first, *rest = map(to_picture, frames)
        options = {"lossless": True} if suffix == ".webp" else {}
        options |= {"duration": round(1000 / rate), "loop": 0, "append_images": rest}
        first.save(buffer, suffix[1:], save_all=True, **options)
    else:
        shots = [np.asarray(to_picture(frame).convert("RGB")) for frame in frames]
        buffer.write(film_bytes(np.stack(shots), path, rate))
    write_atomic(path, buffer.getvalue())


def check_clip_target(path: str | Path) -> None:
    """Raise ImageError for a name of no kind of file that `save_clip` writes."""
    suffix, known = Path(path).suffix.lower(), (*ANIMATIONS, ".npy", *FILMS)
    if suffix and suffix not in known:
        raise ImageError(f"clip {path}: unknown suffix; use {', '.join(known)}, or none: a folder")


def contact_sheet(clips: Sequence[Tensor], columns: int = 8) -> Image.Image:
    """Clips (C, T, H, W) of one size below each other, each a row of at most `columns` frames."""
    count = clips[0].shape[1]
    shown = [round(i * (count - 1) / max(columns - 1, 1)) for i in range(min(columns, count))]
    rows = [torch.cat([clip[:, t] for t in shown], 2) for clip in clips]
    return to_picture(torch.cat(rows, 1))


def _frames(path: Path) -> Iterator[Tensor]:
    """The frames (C, H, W) in [-1, 1], one after the other."""
    suffix = path.suffix.lower()
    if path.is_dir():
        yield from (load_image(file, channels=None) for file in list_images(path))
    elif suffix == ".npy":
        yield from _from_array(path)
    elif suffix in FILMS:
        yield from (_of_bytes(np.moveaxis(pixels, 2, 0)) for pixels in read_film(path))
    elif suffix in ANIMATIONS:
        try:
            with Image.open(path) as picture:
                yield from (_of_bytes(planes(frame)) for frame in ImageSequence.Iterator(picture))
        except (OSError, ValueError) as error:
            raise ImageError(f"clip {path}: cannot be read ({error}); give a whole file") from error
    else:
        known = ", ".join((*ANIMATIONS, ".npy", *FILMS))
        raise ImageError(f"clip {path}: is no clip; give a folder, {known}")


def _of_bytes(pixels: np.ndarray) -> Tensor:
    return from_unit(torch.from_numpy(pixels.astype(np.float32) / np.iinfo(pixels.dtype).max))


def _from_array(path: Path) -> Iterator[Tensor]:
    try:
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise ImageError(f"clip {path}: cannot be read ({error}); give a whole file") from error
    if pixels.ndim == 4 and pixels.dtype == np.uint8 and pixels.shape[3] == 3:
        return (_of_bytes(np.moveaxis(frame, 2, 0)) for frame in pixels)
    inside = pixels.dtype.kind == "f" and pixels.size and np.abs(pixels).max() <= 1
    if pixels.ndim == 4 and pixels.shape[1] in (1, 3) and inside:
        return (torch.from_numpy(frame.astype(np.float32)) for frame in pixels)
    raise ImageError(
        f"clip {path}: must be (T, H, W, 3) of uint8 or (T, 3 or 1, H, W) in [-1, 1], got "
        f"{pixels.shape} of {pixels.dtype}"
    )
