"""NIfTI-1 and -2: slices along the third axis; header, affine and extensions as they were."""

import gzip
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from inverse.images.scans.scan import Limits, Scan, told_by, type_limits

COLOURS = ("R", "G", "B")


def decode(content: bytes, path: Path) -> Scan:
    """Slices (y, x) of a volume, of volume after volume; complex numbers are two channels."""
    image = _image(content)
    raw = np.asanyarray(image.dataobj.get_unscaled())
    if raw.ndim < 2:
        raise ValueError(f"its shape is {raw.shape}")
    pages = raw.T.reshape(-1, 1, *raw.shape[1::-1])
    if raw.dtype.names is not None:
        pages = np.concatenate([pages[name] for name in COLOURS], 1)
    elif raw.dtype.kind == "c":
        pages = np.concatenate([pages.real, pages.imag], 1)
    slope, intercept = (float(n) for n in (image.dataobj.slope, image.dataobj.inter))
    limits, told = _limits(image.header, pages.dtype, slope, intercept)
    return Scan(pages, limits, told, partial(_encode, content=content), slope, intercept)


def _image(content: bytes) -> Any:
    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    two = plain[:4] in (b"\x1c\x02\0\0", b"\0\0\x02\x1c")  # the header's size, 540
    return (nibabel.Nifti2Image if two else nibabel.Nifti1Image).from_bytes(plain)


def _limits(
    header: "nibabel.Nifti1Header", kind: np.dtype, slope: float, intercept: float
) -> tuple[Limits | None, str]:
    low, high = float(header["cal_min"]), float(header["cal_max"])
    if low < high:
        return (low, high), "its cal_min and cal_max"
    ends = type_limits(kind)
    return ends and (ends[0] * slope + intercept, ends[1] * slope + intercept), told_by(kind)


def _encode(stored: np.ndarray, zoom: int, path: Path, content: bytes) -> bytes:
    image = _image(content)
    kind, sides = image.header.get_data_dtype(), image.shape
    if kind.names is not None:
        pages: Any = np.empty((len(stored), *stored.shape[2:]), kind)
        for name, plane in zip(COLOURS, np.moveaxis(stored, 1, 0), strict=True):
            pages[name] = plane
    else:
        pages = stored[:, 0] + 1j * stored[:, 1] if kind.kind == "c" else stored[:, 0]
        pages = pages.astype(kind)
    raw = pages.reshape(*sides[:1:-1], *stored.shape[2:]).T
    finer = np.diag([1 / zoom, 1 / zoom, 1, 1])
    finer[:2, 3] = (1 / zoom - 1) / 2  # its first pixel's middle, in those of before
    made = type(image)(raw, image.affine @ finer if zoom > 1 else None, image.header)
    made.header.set_slope_inter(image.dataobj.slope, image.dataobj.inter)  # numbers as they are
    content = made.to_bytes()
    return gzip.compress(content) if path.suffix.lower() == ".gz" else content
