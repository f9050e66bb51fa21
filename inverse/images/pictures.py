"""Images on disk <-> tensors: the only place where [0, 1], uint8 and files exist.

Elsewhere an image is float32 in [-1, 1], shape (C, H, W), or (B, C, H, W) in a batch.
Pixel values are used as stored (sRGB, colour profiles ignored), as metrics and papers do.
"""

import io
from collections.abc import Sequence
from importlib import resources
from pathlib import Path, PurePath

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inverse.files import write_atomic
from inverse.images import scans
from inverse.images.scans import ImageError

SUFFIXES = (*scans.ends_of("pillow"), *scans.ends_of("tiff"))
SCANS = tuple(e for k in ("dicom", "nifti", "fits") for e in scans.ends_of(k))
WRITTEN = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
LUMINANCE = torch.tensor([0.299, 0.587, 0.114])  # of sRGB as stored, as Pillow and BT.601 have it
# name: file inside the installed scikit-image wheel, and the (left, top, side) square to show
PHOTOGRAPHS = {
    "astronaut": ("astronaut.png", (60, 0, 384)),
    "chelsea": ("chelsea.png", (110, 0, 300)),
    "coffee": ("coffee.png", (80, 0, 400)),
    "rocket": ("rocket.jpg", (107, 0, 427)),
}


def to_unit(x: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1], clamped: (x + 1) / 2."""
    return ((x + 1) / 2).clamp(0, 1)


def from_unit(x: Tensor) -> Tensor:
    """[0, 1] -> [-1, 1]: 2 x - 1."""
    return 2 * x - 1


def load_image(
    path: str | Path,
    *,
    size: int | None = None,
    content: bytes | None = None,
    channels: int | None = 3,
    range: Sequence[float] | str | None = None,
    page: int = 0,
) -> Tensor:
    """Read a file (every format of `scans`), or its `content`, as (C, H, W) float32 in [-1, 1].

    EXIF orientation is applied, transparency composited on white, every depth kept; of several
    pages (an animation's frames) one counts. With `size` the largest central square is resized
    (Lanczos).

    Args:
        channels: 3, grey repeated; 1, the luminance of colours; None: as many as the file has.
        range: the values of black and white, (low, high), or "values": the least and the largest
            of the file; None: as its type or header tell.

    Raises:
        FileNotFoundError: for a file that is not there.
        ImageError: for a folder, a file that is no image or is cut short, values without a range,
            NaN among them, and other channels than can be made of them.
        ModuleNotFoundError: where the format's library is missing, naming the extra.
    """
    path = Path(path).expanduser()
    scan = scans.read_scan(path, content)
    try:
        x = with_channels(scan.unit(page, scan.range(range)[0]), channels)
    except ImageError as error:
        raise ImageError(f"image {path}: {error}") from error
    if not bool(x.isfinite().all()):
        raise ImageError(
            f"image {path}: holds NaN or no values in places; restore it as measurement={path}"
        )
    return from_unit(x) if size is None else _squared(x, size)


def resized(x: Tensor, size: int) -> Tensor:
    """The largest central square of (C, H, W) in [-1, 1], resized (Lanczos): (C, size, size)."""
    return _squared((x + 1) / 2, size)


def with_channels(x: Tensor, channels: int | None) -> Tensor:
    """(C, H, W) with so many channels: grey repeated, or the luminance of colours; None: as it is.

    Raises:
        ImageError: where neither makes them.
    """
    if channels in (None, len(x)):
        return x
    if len(x) == 1:
        return x.expand(channels, -1, -1).contiguous()
    if channels == 1 and len(x) == 3:
        return torch.tensordot(LUMINANCE.to(x), x, 1)[None]
    raise ImageError(f"has {len(x)} channels, and {channels} cannot be made of them")


def list_images(folder: str | Path, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """The pictures of a folder (not of its subfolders), as their names tell, sorted by name.

    Raises:
        FileNotFoundError: when the folder is missing.
        ImageError: when it holds no image.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"image folder {folder}: no such folder; check the path")
    found = sorted(p for p in folder.iterdir() if is_picture(p, suffixes) and p.is_file())
    if not found:
        raise ImageError(f"image folder {folder}: holds no {', '.join(suffixes)} file; add one")
    return found


def is_picture(path: PurePath, suffixes: Sequence[str] = SUFFIXES) -> bool:
    """Whether a file's name is that of a picture, and not hidden."""
    return path.name.lower().endswith(tuple(suffixes)) and not path.name.startswith(".")


def save_image(x: Tensor | Image.Image, path: str | Path) -> None:
    """Write a tensor in [-1, 1], shape (C, H, W) with C = 1 or 3, or a picture, atomically.

    Clamped, then rounded to the nearest level (an exact tie to the even one):
    uint8 = round(255 (x + 1) / 2). The suffix names the format; PNG keeps every level.

    Raises:
        ImageError: for another shape, a value that is not finite, or an unknown suffix.
        OSError: when the folder is missing or cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in WRITTEN:
        raise ImageError(f"image {path}: unknown suffix; use one of {', '.join(WRITTEN)}")
    picture, buffer = x if isinstance(x, Image.Image) else to_picture(x), io.BytesIO()
    picture.save(buffer, format=suffix[1:].replace("jpg", "jpeg"), quality=95)
    write_atomic(path, buffer.getvalue())


def to_picture(x: Tensor) -> Image.Image:
    """(C, H, W) in [-1, 1], C = 1 or 3 -> PIL image, rounded as in save_image."""
    if x.ndim != 3 or x.shape[0] not in (1, 3) or not x.numel():
        raise ImageError(f"image: must be (1 or 3, H, W), got {tuple(x.shape)}; save one at a time")
    if not torch.isfinite(x).all():
        raise ImageError("image: holds NaN or infinite values; restore it again before saving")
    levels = (to_unit(x.detach().float()) * 255).round().to("cpu", torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).squeeze(2).contiguous().numpy())


def sample_photograph(name: str, *, size: int = 256) -> Tensor:
    """A photograph out of the scikit-image wheel, (3, size, size) in [-1, 1], nothing downloaded.

    astronaut (NASA, public domain), chelsea, coffee, rocket (CC0).

    Raises:
        ImageError: otherwise.
    """
    if name not in PHOTOGRAPHS:
        raise ImageError(f"photograph {name!r}: unknown; choose one of {', '.join(PHOTOGRAPHS)}")
    file, box = PHOTOGRAPHS[name]
    scan = scans.read_scan(file, (resources.files("skimage") / "data" / file).read_bytes())
    return _view(scan.unit(0, scan.range(None)[0]), box, size)


def _squared(x: Tensor, size: int) -> Tensor:
    (height, width), side = x.shape[1:], min(x.shape[1:])
    return _view(x, ((width - side) // 2, (height - side) // 2, side), size)


def _view(x: Tensor, box: tuple[int, int, int], size: int) -> Tensor:
    """Cut the square (left, top, side) out of (C, H, W) in [0, 1]: (C, size, size) in [-1, 1].

    No value goes beyond that range, or beyond those of the picture.
    """
    left, top, side = box
    square = x[:, top : top + side, left : left + side].numpy()
    planes = (Image.fromarray(plane.copy()) for plane in square)
    resized = [np.asarray(p.resize((size, size), Image.Resampling.LANCZOS)) for p in planes]
    ends = min(0.0, float(square.min())), max(1.0, float(square.max()))
    return from_unit(torch.from_numpy(np.stack(resized).clip(*ends)))
