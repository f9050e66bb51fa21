"""Measurements on disk: pictures as image files, everything else as NumPy arrays."""

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inverse.files import write_atomic
from inverse.images.pictures import load_image
from operators import LinearOperator, Operator, multiple_of
from operators.core.files import is_numpy, read_numpy

BEYOND = 20  # times what an image can give: no noise that leaves anything to restore is so large
Build = Callable[[tuple[int, ...]], Operator]


def load_measurement(
    path: str | Path, build: Build, shape: Sequence[int] | None = None
) -> tuple[Operator, Tensor]:
    """The operator of a measurement, and the measurement y `(1, *out_shape)`.

    Args:
        path: an image file, or the y of one sample in a `.npy` file: floats as `save_measurement`
            writes, on [-1, 1] where they are a picture's. Axes of length 1 may be left out, and
            pairs of real and imaginary parts be complex numbers.
        build: makes the operator for an image shape (C, H, W).
        shape: of the image behind y; a `.npy` file does not tell it, and an image file only where
            it is the picture's own, or as many times that as the operator asks for
            (`operators.multiple_of`: the factor of super-resolution).

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file does not hold this operator's measurement, or the shape is
            missing.
    """
    if not str(path):
        raise ValueError("measurement is empty; give an image file, or y in a .npy file")
    if is_numpy(path):
        return _array(path, build, shape)
    y = load_image(path)
    if shape is None:
        factor = multiple_of(build)
        shape = 3, y.shape[1] * factor, y.shape[2] * factor
    operator = build(tuple(shape))
    if operator.out_shape == (1, *y.shape[1:]):
        y = y.mean(0, keepdim=True)
    if tuple(y.shape) != operator.out_shape:
        raise ValueError(
            f"measurement {path}: {operator!r} measures {operator.out_shape}, the file holds "
            f"{tuple(y.shape)}; say what image is behind it, as shape=[3,256,256], or give an "
            "image of that size, or the values in a .npy file"
        )
    return operator, y[None]


def _array(path: str | Path, build: Build, shape: Sequence[int] | None) -> tuple[Operator, Tensor]:
    try:
        y = read_numpy(path)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f"measurement {error}") from error
    if shape is None:
        raise ValueError(f"measurement {path}: say what image is behind it, as shape=[3,256,256]")
    operator = build(tuple(shape))
    out = operator.out_shape
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
    values = torch.from_numpy(y.astype("float64"))
    if isinstance(operator, LinearOperator):
        _within_reach(path, values, operator)
    return operator, values.reshape(1, *out).to(operator.anchor)


def _within_reach(path: str | Path, y: Tensor, operator: LinearOperator) -> None:
    """Refuse values far above ||A|| sqrt(n), which no image of n values in [-1, 1] gives."""
    most = operator.norm() * math.prod(operator.in_shape) ** 0.5
    if float(y.norm()) > BEYOND * most:
        raise ValueError(
            f"measurement {path}: values up to {float(y.abs().max()):g} are too large for an image "
            "in [-1, 1]; write a picture's levels 0 to 255 as y / 127.5 - 1"
        )


def _long(shape: Sequence[int]) -> list[int]:
    return [side for side in shape if side != 1]


def save_measurement(y: Tensor, path: Path) -> None:
    """Write the y of one sample, `(1, *out_shape)`, as a `.npy` file that loads as above."""
    buffer = io.BytesIO()
    np.save(buffer, y[0].cpu().numpy(), allow_pickle=False)
    write_atomic(path, buffer.getvalue())
