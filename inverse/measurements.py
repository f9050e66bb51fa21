"""Measurements on disk: pictures as image files, everything else as NumPy arrays."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inverse.files import write_atomic
from inverse.images import load_image
from operators import Operator

Build = Callable[[tuple[int, ...]], Operator]


def load_measurement(
    path: str | Path, build: Build, factor: int = 1, shape: Sequence[int] | None = None
) -> tuple[Operator, Tensor]:
    """The operator of a measurement, and the measurement y (1, *out_shape).

    Args:
        path: an image file, or the y of one sample in a ``.npy`` file.
        build: makes the operator for an image shape (C, H, W).
        factor: image pixels per measured pixel along each side, for an image file.
        shape: of the image behind the y of a ``.npy`` file, which does not tell it.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file does not hold this operator's measurement, or the shape is
            missing.
    """
    if Path(path).suffix == ".npy":
        return _array(Path(path).expanduser(), build, shape)
    y = load_image(path)
    operator = build((3, y.shape[1] * factor, y.shape[2] * factor))
    if operator.out_shape == (1, *y.shape[1:]):
        y = y.mean(0, keepdim=True)
    if tuple(y.shape) != operator.out_shape:
        raise ValueError(
            f"measurement {path}: {operator!r} measures {operator.out_shape}, the file holds "
            f"{tuple(y.shape)}; give an image of that size, or the values in a .npy file"
        )
    return operator, y[None]


def _array(path: Path, build: Build, shape: Sequence[int] | None) -> tuple[Operator, Tensor]:
    if not path.exists():
        raise FileNotFoundError(f"measurement {path}: no such file; check the path")
    if shape is None:
        raise ValueError(f"measurement {path}: say what image is behind it, as shape=[3,256,256]")
    try:
        y = torch.from_numpy(np.load(path, allow_pickle=False))
    except (ValueError, TypeError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"measurement {path}: cannot be read ({reason}); write it by numpy.save"
        ) from error
    operator = build(tuple(shape))
    if tuple(y.shape) not in (operator.out_shape, (1, *operator.out_shape)):
        raise ValueError(
            f"measurement {path}: {operator!r} measures {operator.out_shape}, "
            f"the file holds {tuple(y.shape)}"
        )
    return operator, y.reshape(1, *operator.out_shape).to(operator.anchor)


def save_measurement(y: Tensor, path: Path) -> None:
    """Write the y of one sample, (1, *out_shape), as a ``.npy`` file that loads as above."""
    buffer = io.BytesIO()
    np.save(buffer, y[0].cpu().numpy(), allow_pickle=False)
    write_atomic(path, buffer.getvalue())
