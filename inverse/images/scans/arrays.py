"""NumPy's files: (H, W), (C, H, W) or (N, C, H, W), of any type."""

import io
from functools import partial
from pathlib import Path

import numpy as np

from inverse.images.scans.scan import Limits, Scan, told_by, type_limits


def decode(content: bytes, path: Path) -> Scan:
    """Floats within [-1, 1] are pictures of that range; complex numbers are two channels."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if not 2 <= array.ndim <= 4 or array.dtype.kind not in "biufc":
        raise ValueError(f"it holds {array.dtype} of shape {array.shape}, not (N, C, H, W)")
    pages = array.reshape(*[1] * (4 - array.ndim), *array.shape)
    if array.dtype.kind == "c":
        pages = np.stack([pages.real, pages.imag], 2).reshape(len(pages), -1, *pages.shape[2:])
    limits, told = _limits(pages)
    return Scan(pages, limits, told, partial(_encode, shape=array.shape, kind=array.dtype))


def _limits(pages: np.ndarray) -> tuple[Limits | None, str]:
    if pages.dtype.kind != "f":
        return type_limits(pages.dtype), told_by(pages.dtype)
    within = bool((np.abs(np.nan_to_num(pages)) <= 1).all())
    return ((-1.0, 1.0), "the range of our own") if within else (None, "")


def _encode(
    stored: np.ndarray, zoom: int, path: Path, shape: tuple[int, ...], kind: np.dtype
) -> bytes:
    if kind.kind == "c":
        stored = (stored[:, ::2] + 1j * stored[:, 1::2]).astype(kind)
    buffer = io.BytesIO()
    np.save(buffer, stored.reshape(*shape[:-2], *stored.shape[-2:]), allow_pickle=False)
    return buffer.getvalue()
