"""FITS: the first image of the file, its header, WCS and all other parts as they were."""

import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from inverse.images.scans.scan import Limits, Scan, told_by, type_limits

ZOOMED = ("CDELT1", "CDELT2", "CD1_1", "CD1_2", "CD2_1", "CD2_2")


def decode(content: bytes, path: Path) -> Scan:
    """Planes of the first image; NaN and BLANK are no values."""
    with _opened(content) as parts:
        part = _image(parts)
        header, raw = part.header, np.array(part.data)
    raw = raw.astype(raw.dtype.newbyteorder("="))
    pages = raw.reshape(-1, 1, *raw.shape[-2:])
    slope, zero = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0))
    limits, told = _limits(header, pages.dtype, slope, zero)
    blank = header.get("BLANK") if raw.dtype.kind in "iu" else None
    return Scan(pages, limits, told, partial(_encode, content=content), slope, zero, blank)


def _opened(content: bytes) -> Any:
    options: dict[str, Any] = {
        "memmap": False,
        "lazy_load_hdus": False,
        "do_not_scale_image_data": True,
    }
    return fits.open(io.BytesIO(content), **options)


def _image(parts: Any) -> Any:
    for part in parts:
        if part.is_image and part.header.get("NAXIS", 0) >= 2 and part.data is not None:
            return part
    raise ValueError("it holds no image")


def _limits(header: Any, kind: np.dtype, slope: float, zero: float) -> tuple[Limits | None, str]:
    low, high = header.get("DATAMIN"), header.get("DATAMAX")
    if low is not None and high is not None and low < high:
        return (float(low), float(high)), "its DATAMIN and DATAMAX"
    if kind == np.int16 and (slope, zero) == (1, 32768):  # how FITS keeps unsigned numbers
        kind = np.dtype(np.uint16)
        return type_limits(kind), told_by(kind)
    ends = type_limits(kind)
    return ends and (ends[0] * slope + zero, ends[1] * slope + zero), told_by(kind)


def _encode(stored: np.ndarray, zoom: int, path: Path, content: bytes) -> bytes:
    with _opened(content) as parts:
        part = _image(parts)
        kept = part.header.copy()
        part.data = stored.reshape(*part.data.shape[:-2], *stored.shape[-2:])
        for key in ("BSCALE", "BZERO", "BLANK"):
            if key in kept:
                part.header[key] = kept[key]
        _zoomed(part.header, zoom)
        part.header.add_history("restored by anytime-inverse")
        buffer = io.BytesIO()
        parts.writeto(buffer, output_verify="silentfix")
    return buffer.getvalue()


def _zoomed(header: Any, zoom: int) -> None:
    """Finer pixels over the same field: CRPIX counts from 1, at a pixel's middle."""
    for key in ZOOMED if zoom > 1 else ():
        if key in header:
            header[key] /= zoom
    for key in ("CRPIX1", "CRPIX2") if zoom > 1 else ():
        if key in header:
            header[key] = (header[key] - 0.5) * zoom + 0.5
