"""Films, through imageio's ffmpeg: frames of bytes in and out."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np

from inverse.images.scans import ImageError
from operators.core import first_line

FILMS = (".mp4", ".mov", ".mkv", ".avi", ".webm")


def is_film(path: str | os.PathLike) -> bool:
    """Whether a file's name is that of a film."""
    return Path(path).suffix.lower() in FILMS


def read_film(path: Path) -> Iterator[np.ndarray]:
    """The frames (H, W, 3) of a film, uint8, one after the other.

    Raises:
        ImageError: for a file that is no film. ImportError: without imageio's ffmpeg.
    """
    imageio = _imageio(path)
    try:
        yield from imageio.imiter(path)
    except OSError as error:
        raise _unread(path, error) from error


def film_rate(path: Path) -> float:
    """Frames a second; raises as `read_film`."""
    imageio = _imageio(path)
    try:
        return float(imageio.immeta(path)["fps"])
    except OSError as error:
        raise _unread(path, error) from error


def film_bytes(frames: np.ndarray, path: Path, rate: float) -> bytes:
    """Frames (T, H, W, 3), uint8, as the film of a file's suffix, each of its own size.

    With colours of half the width and height, which every player shows, but for odd sides.
    """
    even = not (frames.shape[1] % 2 or frames.shape[2] % 2)
    suffix = path.suffix.lower()
    options: dict = {"codec": "libvpx-vp9"} if suffix == ".webm" else {}
    options |= {"fps": rate, "quality": 9, "macro_block_size": 1}
    options["pixelformat"] = "yuv420p" if even else "yuv444p"
    content = _imageio(path).imwrite("<bytes>", frames, extension=suffix, **options)
    assert isinstance(content, bytes)
    return content


def _unread(path: Path, error: Exception) -> ImageError:
    return ImageError(f"clip {path}: cannot be read ({first_line(error)}); give a whole film")


def _imageio(path: Path) -> ModuleType:
    try:
        import imageio.v3
        import imageio_ffmpeg  # noqa: F401, without which imageio knows no film
    except ImportError as error:
        raise ImportError(
            f"clip {path}: films need imageio's ffmpeg; pip install 'anytime-inverse[video]', or "
            "give a .gif, a folder of frames or a .npy"
        ) from error
    return imageio.v3
