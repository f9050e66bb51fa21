"""Images on disk <-> tensors: the only place where [0, 1], uint8 and files exist.

Elsewhere an image is float32 in [-1, 1], shape (C, H, W), or (B, C, H, W) in a batch.
Pixel values are used as stored (sRGB, colour profiles ignored), as metrics and papers do.
"""

import io
from importlib import resources
from pathlib import Path, PurePath

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from inverse.files import write_atomic

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
# name: file inside the installed scikit-image wheel, and the (left, top, side) square to show
PHOTOGRAPHS = {
    "astronaut": ("astronaut.png", (60, 0, 384)),
    "chelsea": ("chelsea.png", (110, 0, 300)),
    "coffee": ("coffee.png", (80, 0, 400)),
    "rocket": ("rocket.jpg", (107, 0, 427)),
}


class ImageError(ValueError):
    """An image cannot be read, written or used; the message is one line and names the mend."""


def to_unit(x: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1], clamped: (x + 1) / 2."""
    return ((x + 1) / 2).clamp(0, 1)


def from_unit(x: Tensor) -> Tensor:
    """[0, 1] -> [-1, 1]: 2 x - 1."""
    return 2 * x - 1


def load_image(
    path: str | Path, *, size: int | None = None, content: bytes | None = None
) -> Tensor:
    """Read a PNG, JPEG, WebP or BMP file, or its `content`, as (3, H, W) float32 in [-1, 1].

    EXIF orientation is applied, grey repeated to three channels, transparency composited on white;
    16-bit grey keeps its depth, 16-bit colour does not; the first frame of an animation counts.
    With `size` the largest central square is resized (Lanczos).

    Raises:
        FileNotFoundError: for a file that is not there.
        ImageError: for a folder, a file that is no image or is cut short.
    """
    path = Path(path).expanduser()
    if content is None and not path.exists():
        raise FileNotFoundError(f"image {path}: no such file; check the path")
    if content is None and path.is_dir():
        raise ImageError(f"image {path}: is a folder; give one of its files, or use list_images")
    try:
        with Image.open(path if content is None else io.BytesIO(content)) as picture:
            pixels = _pixels(ImageOps.exif_transpose(picture))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        mend = "give a whole PNG, JPEG, WebP or BMP file"
        raise ImageError(f"image {path}: cannot be read ({reason}); {mend}") from error
    if size is not None:
        (height, width), side = pixels.shape[:2], min(pixels.shape[:2])
        pixels = _view(pixels, ((width - side) // 2, (height - side) // 2, side), size)
    return _tensor(pixels)


def list_images(folder: str | Path) -> list[Path]:
    """The PNG, JPEG, WebP and BMP files of a folder (not of its subfolders), sorted by name.

    Raises:
        FileNotFoundError: when the folder is missing.
        ImageError: when it holds no image.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"image folder {folder}: no such folder; check the path")
    found = sorted(file for file in folder.iterdir() if is_picture(file) and file.is_file())
    if not found:
        raise ImageError(f"image folder {folder}: holds no {', '.join(SUFFIXES)} file; add one")
    return found


def is_picture(path: PurePath) -> bool:
    """Whether a file's name is that of a picture, and not hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def save_image(x: Tensor | Image.Image, path: str | Path) -> None:
    """Write a tensor in [-1, 1], shape (C, H, W) with C = 1 or 3, or a picture, atomically.

    Clamped, then rounded to the nearest level (an exact tie to the even one):
    uint8 = round(255 (x + 1) / 2). The suffix names the format; PNG keeps every level.

    Raises:
        ImageError: for another shape, a value that is not finite, or an unknown suffix.
        OSError: when the folder is missing or cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ImageError(f"image {path}: unknown suffix; use one of {', '.join(SUFFIXES)}")
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
    with resources.as_file(resources.files("skimage") / "data" / file) as path:
        with Image.open(path) as picture:
            return _tensor(_view(_pixels(picture), box, size))


def _pixels(picture: Image.Image) -> np.ndarray:
    """Any PIL mode -> (H, W, 3) float32 in [0, 1]."""
    if picture.mode.startswith("I"):
        grey = np.asarray(picture, dtype=np.float32) / 65535
        if grey.max() > 1 or grey.min() < 0:
            raise ValueError("integer pixels beyond 16 bits")
        return np.repeat(grey[:, :, None], 3, axis=2)
    if picture.mode == "F":
        raise ValueError("floating-point pixels have no agreed range")
    if picture.has_transparency_data:
        top = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", top.size, "white"), top)
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255


def _view(pixels: np.ndarray, box: tuple[int, int, int], size: int) -> np.ndarray:
    """Cut the square (left, top, side) out of (H, W, 3) and resize it to (size, size, 3)."""
    left, top, side = box
    square = pixels[top : top + side, left : left + side].transpose(2, 0, 1)
    planes = (Image.fromarray(plane.copy()) for plane in square)
    resized = [np.asarray(p.resize((size, size), Image.Resampling.LANCZOS)) for p in planes]
    return np.stack(resized, axis=2).clip(0, 1)


def _tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) in [0, 1] -> (3, H, W) in [-1, 1]."""
    return from_unit(torch.from_numpy(pixels).permute(2, 0, 1).contiguous())
