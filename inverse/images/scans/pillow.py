"""Photographs through Pillow: 8 bits, and PNG of 16; profile, EXIF and resolution kept."""

import io
import struct
import zlib
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from inverse.images.scans.scan import ImageError, Scan, told_by, type_limits

HEIF = (".heic", ".heif")
COLOUR_TYPE = {1: 0, 3: 2}  # of PNG, by channels


def opened(content: bytes, path: PurePath) -> Image.Image:
    """The picture in a file's content, whose name tells which library it may need."""
    if path.suffix.lower() in HEIF:
        import pillow_heif  # pyright: ignore[reportMissingImports]

        pillow_heif.register_heif_opener()
    return Image.open(io.BytesIO(content))


def decode(content: bytes, path: Path) -> Scan:
    """The first frame, upright, as grey or colour; transparency is composited on white."""
    with opened(content, path) as picture:
        deep = _deep(content, picture)
        upright = ImageOps.exif_transpose(picture)
        kept = {key: upright.info[key] for key in ("icc_profile", "dpi") if key in upright.info}
        exif = upright.getexif()
        pixels = planes(upright) if deep is None else deep
    encode = partial(_encode, kept=kept | ({"exif": exif} if exif else {}))
    return Scan(pixels[None], type_limits(pixels.dtype), told_by(pixels.dtype), encode)


def planes(picture: Image.Image) -> np.ndarray:
    """Any mode as (1 or 3, H, W), uint8 or uint16; transparency is composited on white."""
    if picture.mode.startswith("I"):
        grey = np.asarray(picture)
        if grey.max() > 65535 or grey.min() < 0:
            raise ValueError("integer pixels beyond 16 bits")
        return grey.astype(np.uint16)[None]
    if picture.mode == "F":
        raise ValueError("floating-point pixels have no agreed range")
    mode = "L" if picture.mode in ("1", "L", "LA", "La") else "RGB"
    if picture.has_transparency_data:
        top = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", top.size, "white"), top)
    pixels = np.asarray(picture.convert(mode))
    return np.moveaxis(pixels.reshape(*pixels.shape[:2], -1), 2, 0)


def _deep(content: bytes, picture: Image.Image) -> np.ndarray | None:
    """The 16-bit colours of a PNG, which Pillow gives one byte at a time; None for others."""
    tiles: list[Any] = getattr(picture, "tile", [])
    if len(tiles) != 1 or tiles[0][3] != "RGB;16B":
        return None
    halves = []
    for end in ("B", "L"):  # the first byte of a number, then the second
        with Image.open(io.BytesIO(content)) as half:
            half.tile = [(*tiles[0][:3], f"RGB;16{end}")]  # pyright: ignore
            halves.append(np.asarray(ImageOps.exif_transpose(half)).astype(np.uint16))
    return np.moveaxis(halves[0] << 8 | halves[1], 2, 0)


def _encode(stored: np.ndarray, zoom: int, path: Path, kept: dict[str, Any]) -> bytes:
    (pixels,) = np.moveaxis(stored, 1, 3)
    suffix = path.suffix.lower()
    if "dpi" in kept:
        kept = kept | {"dpi": tuple(zoom * float(dots) for dots in kept["dpi"])}
    if suffix == ".gif" or stored.dtype == np.uint16 and suffix != ".png":
        raise ImageError(f"{suffix} has too few levels for it; write a .png")
    if stored.dtype == np.uint16 and pixels.shape[2] == 3:
        return _png(pixels, kept)
    buffer = io.BytesIO()
    picture = Image.fromarray(
        np.ascontiguousarray(pixels if pixels.shape[2] > 1 else pixels[..., 0])
    )
    picture.save(buffer, format=Image.registered_extensions()[suffix], quality=95, **kept)
    return buffer.getvalue()


def _png(pixels: np.ndarray, kept: dict[str, Any]) -> bytes:
    """A PNG file of 16-bit colours (H, W, 3).

    Reference: ISO/IEC 15948, Portable Network Graphics.
    """
    height, width, channels = pixels.shape
    rows = np.ascontiguousarray(pixels, ">u2").reshape(height, -1).view(np.uint8)
    above = np.concatenate([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.concatenate([np.full((height, 1), 2, np.uint8), rows - above], 1)  # filter "up"
    size = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPE[channels], 0, 0, 0)
    chunks = [(b"IHDR", size)]
    if "icc_profile" in kept:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(kept["icc_profile"])))
    if "dpi" in kept:
        per_metre = (round(float(d) / 0.0254) for d in kept["dpi"])
        chunks.append((b"pHYs", struct.pack(">IIB", *per_metre, 1)))
    if "exif" in kept:
        chunks.append((b"eXIf", kept["exif"].tobytes()[6:]))
    chunks += [(b"IDAT", zlib.compress(filtered.tobytes())), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
