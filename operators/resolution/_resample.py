"""Resizing by any factor, with the weights of `torch.nn.functional.interpolate`."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from operators.blurs.borders import extend, known
from operators.blurs.separable import Separable
from operators.core.operator import as_shape
from operators.resolution.aliasing import blocks

MODES = ("bicubic", "bilinear")


def resample(
    image_shape: Sequence[int], scale: float = 0.25, mode: str = "bicubic", antialias: bool = True
) -> Separable:
    """Resizes as torch does: (C, H, W) -> (C, floor(scale * H), floor(scale * W)).

    Equals `torch.nn.functional.interpolate(mode=..., antialias=...)`, pixel centres aligned, for
    any scale > 0, smaller (super-resolution) or larger. Solves in closed form, see `Separable`.
    Bicubic weights are negative in places: beside edges y may leave [-1, 1], to 1.6 in size,
    without antialiasing to 1.9 (counting photons there asks for `Poisson(clip=True)`).

    Raises:
        ValueError: for a scale that is not positive or leaves no pixel, or another mode.
    """
    shape = as_shape("resample", "image_shape", image_shape, rank=3)
    if mode not in MODES:
        raise ValueError(f"resample: mode must be {' or '.join(MODES)}, got {mode!r}")
    if not 0 < scale < math.inf or min(shape[1:]) * scale < 1:
        raise ValueError(
            f"resample: scale must be > 0 and leave a pixel of the image {shape[1:]}, got {scale}"
        )
    rows, columns = (weights(n, scale, mode, antialias) for n in shape[1:])
    return Separable(shape, rows, columns)


def downsample_bicubic(
    image_shape: Sequence[int], factor: int = 4, padding: str | None = None
) -> Separable:
    """Bicubic, antialiased super-resolution by a whole `factor`, which must divide both sides.

    padding: None drops the weights beyond the border and rescales the others, as torch and
    Pillow do; "symmetric" mirrors the image, which is MATLAB's imresize, used in many papers;
    or another one of `borders.Border`. Only the two outermost rows and columns of y differ.

    Raises:
        ValueError: for another padding, or a padded image with a side below 3 * factor.
    """
    shape, out, factor = blocks("downsample_bicubic", image_shape, factor)
    scale = math.nextafter(1 / factor, 2)  # upwards: 49 * (1 / 49) < 1 would lose a pixel
    if padding is None:
        return resample(shape, scale)
    if known("downsample_bicubic", padding) == "valid" or min(out[1:]) < 3:
        raise ValueError(
            f"downsample_bicubic: padding {padding!r} needs sides of {3 * factor} pixels or more "
            f"and may not be 'valid', got the image {shape}"
        )
    rows, columns = (_padded_weights(n, factor, scale, padding) for n in shape[1:])
    return Separable(shape, rows, columns)


def _padded_weights(side: int, factor: int, scale: float, padding: str) -> Tensor:
    line = torch.eye(side, dtype=torch.float64)[None]
    line = extend(line, padding, (2 * factor, 0))[0]
    return weights(len(line), scale, "bicubic", True)[2:-2] @ line


def weights(side: int, scale: float, mode: str, antialias: bool) -> Tensor:
    """The resampling of a line as a float64 matrix (floor(scale * side), side)."""
    identity = torch.eye(side, dtype=torch.float64)[None, None]
    factors = (float(scale), 1.0)
    resized = interpolate(identity, None, factors, mode, align_corners=False, antialias=antialias)
    return resized[0, 0]
