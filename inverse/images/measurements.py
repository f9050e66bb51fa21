"""Measurements on disk: pictures in every format, everything else as arrays of numbers."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inverse.files import write_atomic
from inverse.images import scans
from inverse.images.pictures import from_unit, with_channels
from inverse.images.scans import ImageError
from inverse.images.units import Exposure, in_units, is_pile, seen, within_reach
from operators import LinearOperator, Operator, multiple_of
from operators.core.arrays import load_array

Build = Callable[[tuple[int, ...]], Operator]


def load_measurement(
    path: str | Path,
    build: Build,
    shape: Sequence[int] | None = None,
    *,
    channels: int | None = 3,
    range: Sequence[float] | str | None = None,
    page: int | None = None,
    key: str | None = None,
    exposure: Exposure | None = None,
) -> tuple[Operator, Tensor]:
    """The operator of a measurement, and the measurement y `(1, *out_shape)`.

    Numbers that are no picture's are those of an image in [-1, 1], or, where a range [low, high]
    of the image is given and the operator is linear, of one in units of its own, `y = A x`: with
    `x = c + m x'`, c and m the range's middle and half width, `y' = (y - A c) / m` is what x' in
    [-1, 1] gives. Values that are NaN are not measured.

    Args:
        path: a picture in any format of `scans`, or the y of one sample in a file of arrays
            (`load_array`): floats as `save_measurement` writes. Axes of length 1 may be left out,
            and pairs of real and imaginary parts be complex numbers.
        build: makes the operator for an image shape (C, H, W).
        shape: of the image behind y; arrays do not tell it, and a picture only where it is the
            picture's own, or as many times that as the operator asks for
            (`operators.multiple_of`: the factor of super-resolution).
        channels, range, page: of a picture, as in `load_image`; page also of arrays with one axis
            more. key: the array in a file of several. exposure: what the values are corrected by,
            then from 0 to 1 where they are a picture's.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file does not hold this operator's measurement, or the shape or the
            range is missing.
    """
    if not str(path):
        raise ValueError("measurement is empty; give an image file, or y in a .npy file")
    if is_pile(path):
        operator, y = _array(path, build, shape, page, key, exposure)
    else:
        operator, y, range = _picture(path, build, shape, channels, range, page or 0, exposure)
    if range is not None:
        y = in_units(path, operator, y, range)
    elif is_pile(path) and isinstance(operator, LinearOperator):
        within_reach(path, y, operator)
    return seen(path, operator, y.to(operator.anchor)[None])


def _picture(
    path: str | Path,
    build: Build,
    shape: Sequence[int] | None,
    channels: int | None,
    range: Sequence[float] | str | None,
    page: int,
    exposure: Exposure | None,
) -> tuple[Operator, Tensor, Sequence[float] | None]:
    """The operator, y, and the range of the image where y is still in units of its own."""
    scan = scans.read_scan(path)
    try:
        if exposure is not None:
            scan, page = exposure.of_page(scan, page), 0
        limits, _ = scan.range(range)
        y = with_channels(from_unit(scan.unit(page, limits)), channels)
    except ImageError as error:
        raise ImageError(f"measurement {path}: {error}") from error
    operator, y = behind(path, y, build, shape)
    if isinstance(range, str) or range is None or not isinstance(operator, LinearOperator):
        return operator, y, None
    return operator, (y + 1) / 2 * (limits[1] - limits[0]) + limits[0], range


def behind(
    path: str | Path, y: Tensor, build: Build, shape: Sequence[int] | None = None
) -> tuple[Operator, Tensor]:
    """The operator whose measurement is the picture y, and y with as many channels as that has.

    Args:
        path: what errors call y. shape: of the image behind it, as in `load_measurement`.

    Raises:
        ImageError: where the operator measures another shape.
    """
    if shape is None:
        factor = multiple_of(build)
        shape = len(y), y.shape[1] * factor, y.shape[2] * factor
    operator = build(tuple(shape))
    if operator.out_shape == (1, *y.shape[1:]):
        y = y.mean(0, keepdim=True)
    if tuple(y.shape) != operator.out_shape:
        raise ImageError(
            f"measurement {path}: {operator!r} measures {operator.out_shape}, the file holds "
            f"{tuple(y.shape)}; say what image is behind it, as shape=[3,256,256], or give an "
            "image of that size, or the values in a .npy file"
        )
    return operator, y


def _array(
    path: str | Path,
    build: Build,
    shape: Sequence[int] | None,
    page: int | None,
    key: str | None,
    exposure: Exposure | None,
) -> tuple[Operator, Tensor]:
    try:
        y = load_array(path, key)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f"measurement {error}") from error
    if shape is None:
        raise ValueError(f"measurement {path}: say what image is behind it, as shape=[3,256,256]")
    operator = build(tuple(shape))
    out, y = operator.out_shape, y if page is None else y[page]
    y = y if exposure is None else exposure(y)
    if y.dtype.kind == "c" and out[-1] == 2:
        y = np.stack([np.real(y), np.imag(y)], -1)
    if y.dtype.kind != "f":
        whole = "write a picture's levels 0 to 255 as y / 127.5 - 1, other values as floats"
        fix = whole if y.dtype.kind in "biu" else f"{operator!r} measures no others"
        raise ValueError(
            f"measurement {path}: must hold real numbers as floats, got {y.dtype}; {fix}"
        )
    if _long(y.shape) != _long(out):
        turned = y.ndim == 3 and (y.shape[2], *y.shape[:2]) == out
        fix = "; write it as y.transpose(2, 0, 1)" if turned else ""
        raise ValueError(
            f"measurement {path}: {operator!r} measures {out}, the file holds {y.shape}{fix}"
        )
    values = torch.from_numpy(y.astype("float64")).reshape(out)
    return operator, values if operator.arranged is None else operator.arranged(values)


def _long(shape: Sequence[int]) -> list[int]:
    return [side for side in shape if side != 1]


def save_measurement(y: Tensor, path: Path) -> None:
    """Write the y of one sample, `(1, *out_shape)`, as a `.npy` file that loads as above."""
    buffer = io.BytesIO()
    np.save(buffer, y[0].cpu().numpy(), allow_pickle=False)
    write_atomic(path, buffer.getvalue())
