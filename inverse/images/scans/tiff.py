"""TIFF: stacks, 8 to 64 bits, floats; written as a copy of the file with other pixels in it."""

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tifffile import TiffFile, TiffPage

from inverse.images.scans import pillow
from inverse.images.scans.scan import ImageError, Limits, Scan, told_by, type_limits

WHITE_IS_ZERO, RGB, PALETTE, SEPARATED = 0, 2, 3, 5
EXTENT = ((340, 341), (280, 281))  # SMinSampleValue, SMaxSampleValue; MinSampleValue, ...
RESOLUTION = (282, 283)


def decode(content: bytes, path: Path) -> Scan:
    """The first series of pages; samples of a pixel are channels, upright, all other axes pages."""
    with TiffFile(io.BytesIO(content)) as file:
        series = file.series[0]
        page = series.keyframe
        if page.photometric in (PALETTE, SEPARATED):
            return pillow.decode(content, path)
        pixels, axes = series.asarray(), series.axes
        place = axes.find("S")
        pixels = pixels[..., None] if place < 0 else np.moveaxis(pixels, place, -1)
        if "".join(a for a in axes if a != "S")[-2:] != "YX":
            raise ValueError(f"its axes are {axes}")
        stack = np.moveaxis(pixels.reshape(-1, *pixels.shape[-3:]), 3, 1)
        colours = page.samplesperpixel - len(page.extrasamples)
        turn = page.tags.valueof(274, 1)
        limits, told = _limits(page, stack.dtype)
    encode = partial(_encode, content=content, beside=stack[:, colours:], turn=turn)
    return Scan(upright(stack[:, :colours], turn), limits, told, encode)


def _limits(page: Any, kind: np.dtype) -> tuple[Limits | None, str]:
    found, told = type_limits(kind, page.bitspersample), told_by(kind)
    for pair in EXTENT:
        low, high = (page.tags.valueof(code) for code in pair)
        if low is not None and high is not None:
            found, told = (float(np.min(low)), float(np.max(high))), "its tags"
            break
    if found and page.photometric == WHITE_IS_ZERO:
        found = found[1], found[0]
    return found, told


def upright(stack: np.ndarray, turn: int) -> np.ndarray:
    """Pages (..., H, W) stored in an orientation of TIFF (1 to 8), as they are seen."""
    stack = stack.swapaxes(-1, -2) if turn >= 5 else stack
    return stack[(..., *_flips(turn))]


def stored_in(stack: np.ndarray, turn: int) -> np.ndarray:
    """The inverse of `upright`."""
    stack = stack[(..., *_flips(turn))]
    return stack.swapaxes(-1, -2) if turn >= 5 else stack


def _flips(turn: int) -> tuple[slice, slice]:
    back, on = slice(None, None, -1), slice(None)
    return back if turn in (3, 4, 7, 8) else on, back if turn in (2, 3, 6, 7) else on


def _encode(
    stored: np.ndarray, zoom: int, path: Path, content: bytes, beside: np.ndarray, turn: int
) -> bytes:
    pages = stored_in(stored, turn)
    if beside.size:
        pages = np.concatenate([pages, beside.repeat(zoom, 2).repeat(zoom, 3)], 1)
    copy = io.BytesIO(content)
    with TiffFile(copy, mode="r+") as file:  # pyright: ignore[reportArgumentType]
        series = file.series[0]
        place, order = series.dataoffset, file.byteorder
        if series.keyframe.planarconfig != 2:
            pages = np.moveaxis(pages, 1, 3)
        if place is not None and zoom == 1 and series.size == pages.size:
            copy.seek(place)
            copy.write(_bytes(pages, order))
            return copy.getvalue()
        if len(series.pages) != len(pages):
            raise ImageError("its pages are not stored one by one; write it anew as a plain stack")
        for page, pixels in zip(series.pages, pages, strict=True):
            _replace(page.aspage(), pixels, zoom, order, copy)  # pyright: ignore
    return copy.getvalue()


def _bytes(pixels: np.ndarray, order: str) -> bytes:
    return pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()  # pyright: ignore


def _replace(page: TiffPage, pixels: np.ndarray, zoom: int, order: str, copy: io.BytesIO) -> None:
    """Append the pixels, not compressed, and have the page's tags point to them."""
    starts, sizes = [], []
    for part in _parts(page, pixels):
        starts.append(copy.seek(0, io.SEEK_END) + copy.tell() % 2)
        copy.write(b"\0" * (copy.tell() % 2) + _bytes(part, order))
        sizes.append(copy.tell() - starts[-1])
    planar = page.planarconfig == 2
    samples, height, width = pixels.shape if planar else np.moveaxis(pixels, 2, 0).shape
    tiled, bits = page.is_tiled, 8 * pixels.dtype.itemsize
    new: dict[int, Any] = {256: width, 257: height, 258: (bits,) * samples, 259: 1, 266: 1}
    new |= {278: height, 317: 1, 324 if tiled else 273: starts}
    new[325 if tiled else 279] = sizes
    if page.photometric == 6:
        new[262] = RGB  # as decoded, from YCbCr
    for code in RESOLUTION if zoom > 1 else ():
        if (found := page.tags.valueof(code)) is not None:
            new[code] = found[0] * zoom, found[1]
    for code, value in new.items():
        if (tag := page.tags.get(code)) is not None:
            tag.overwrite(value)


def _parts(page: TiffPage, pixels: np.ndarray) -> Iterator[np.ndarray]:
    """The strips or tiles, (H, W, C); where planes are apart, (C, H, W), of one after the other."""
    if page.planarconfig == 2:
        for plane in pixels:
            yield from _pieces(page, plane[..., None])
    else:
        yield from _pieces(page, pixels)


def _pieces(page: TiffPage, pixels: np.ndarray) -> Iterator[np.ndarray]:
    if not page.is_tiled:
        yield pixels
        return
    high, wide = page.tilelength, page.tilewidth
    full = np.pad(pixels, ((0, -len(pixels) % high), (0, -pixels.shape[1] % wide), (0, 0)), "edge")
    for top in range(0, len(full), high):
        for left in range(0, full.shape[1], wide):
            yield full[top : top + high, left : left + wide]
