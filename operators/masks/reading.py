"""Masks from files, read by their content."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from operators.core.arrays import is_array
from operators.core.files import read_array, read_image
from operators.core.operator import as_shape


def from_file(
    image_shape: Sequence[int],
    path: str | Path,
    key: str | None = None,
    invert: bool = False,
    resize: bool = False,
) -> Tensor:
    """Read a mask: an image (white = kept) or array `key` of a file of arrays (nonzero = kept).

    (H, W), or (C, H, W) from an array that differs between the channels; channels may come last.
    An image is upright and cut at half of its range; of a white picture, or a photograph, that is
    transparent in places, opaque = kept (`read_image`).

    Args:
        invert: white, nonzero or opaque = lost instead.
        resize: cut the largest central part of the image's shape out of a mask of other sides, as
            `size=` does with photographs, and take the nearest of its pixels.

    Raises:
        FileNotFoundError: for a file that is not there.
        ValueError: for an unreadable file, another size than the image's, an array of more than two
            numbers, or a file of several levels that would all be lost, or all be kept.
    """
    return read(image_shape, path, key, invert, resize)[0]


def read(
    image_shape: Sequence[int],
    path: str | Path,
    key: str | None = None,
    invert: bool = False,
    resize: bool = False,
) -> tuple[Tensor, str]:
    """The mask of `from_file`, and one line on how the file was read and what is kept."""
    if is_array(path):
        values, what, cut = read_array(path, key), "nonzero", 0.0
    else:
        (values, what), cut = read_image(path), 0.5
    given = tuple(values.shape)
    if resize and values.ndim == 2:
        values = _resized(values, as_shape("mask", "image_shape", image_shape, rank=3)[1:])
    values = _fitting(values, image_shape, path)
    if not math.isfinite(float(values.sum())):
        raise ValueError(f"mask: {path} holds NaN or inf")
    levels, mask = values.unique(), (values > cut) != invert
    share = float(mask.double().mean())
    if (len(levels) > 1 and share in (0, 1)) or (len(levels) > 2 and is_array(path)):
        raise ValueError(
            f"mask: {path} holds {len(levels)} levels from {float(levels[0]):g} to "
            f"{float(levels[-1]):g}, and it is not clear which are kept; "
            "write 0 where a pixel is lost and 1 (in a picture white) where it is kept"
        )
    said = f"{path}: {what} = {'lost' if invert else 'kept'}"
    if tuple(values.shape)[-2:] != given[:2]:
        said += f", resized from {given} to {tuple(values.shape)}"
    return mask, f"{said}; {share:.1%} are kept"


def _resized(values: Tensor, sides: Sequence[int]) -> Tensor:
    """The largest central part of the shape of `sides`, of so many of its nearest pixels."""
    scale = min(have / want for have, want in zip(values.shape, sides, strict=True))
    rows, columns = (
        ((torch.arange(n) + 0.5 - n / 2) * scale + have / 2).long().clamp(0, have - 1)
        for n, have in zip(sides, values.shape, strict=True)
    )
    return values[rows[:, None], columns]


def _fitting(values: Tensor, image_shape: Sequence[int], path: str | Path) -> Tensor:
    """An array as (H, W), or (C, H, W) where channels differ; they may be few, and come last."""
    channels, *sides = as_shape("mask", "image_shape", image_shape, rank=3)
    sides = tuple(sides)
    given, many = tuple(values.shape), {1, 3, channels}
    if values.ndim == 3 and given[1:] != sides and given[:2] == sides:
        values = values.permute(2, 0, 1)
    if values.ndim == 3 and values.shape[0] in many and bool((values == values[:1]).all()):
        values = values[0]
    if tuple(values.shape) not in (sides, (channels, *sides)):
        fix = "resize the mask (operator.resize=true) or the image"
        raise ValueError(f"mask: {path} is {given}, the image is {sides}; {fix}")
    return values
