"""Masks for inpainting: bool tensors (H, W), or (C, H, W), True where the pixel is kept."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.operator import as_shape
from operators.masks.reading import from_file
from operators.masks.strokes import brush, text

__all__ = ["box", "brush", "from_file", "half", "outpaint", "random", "text"]


def _sides(image_shape: Sequence[int]) -> tuple[int, int]:
    _, height, width = as_shape("mask", "image_shape", image_shape, rank=3)
    return height, width


def random(
    image_shape: Sequence[int], keep: float = 0.3, seed: int = 0, channelwise: bool = False
) -> Tensor:
    """Keep a random fraction `keep` of the pixels, all channels of a pixel together: (H, W).

    With `channelwise` every value is drawn by itself instead: (C, H, W). Exactly
    round(keep * H * W), or round(keep * C * H * W), are kept, at least one.

    Raises:
        ValueError: unless 0 < keep <= 1.
    """
    shape = _sides(image_shape)
    if channelwise:
        shape = (int(image_shape[0]), *shape)
    if not 0 < keep <= 1:
        raise ValueError(f"mask: keep is the fraction kept, 0 < keep <= 1, got {keep}")
    count = math.prod(shape)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    mask = torch.zeros(count, dtype=torch.bool)
    mask[order[: max(1, round(keep * count))]] = True
    return mask.view(shape)


def box(
    image_shape: Sequence[int],
    height: int | None = None,
    width: int | None = None,
    top: int | None = None,
    left: int | None = None,
) -> Tensor:
    """Lose a box of height x width pixels at (top, left); half of each side, in the middle.

    Raises:
        ValueError: for a box that leaves the image or covers it.
    """
    rows, columns = _sides(image_shape)
    height = max(1, rows // 2) if height is None else height
    width = max(1, columns // 2) if width is None else width
    top = (rows - height) // 2 if top is None else top
    left = (columns - width) // 2 if left is None else left
    inside = 0 <= top < top + height <= rows and 0 <= left < left + width <= columns
    if not inside or height * width == rows * columns:
        raise ValueError(
            f"mask: a box of ({height}, {width}) at ({top}, {left}) must lie inside the image "
            f"({rows}, {columns}) and leave something of it"
        )
    mask = torch.ones(rows, columns, dtype=torch.bool)
    mask[top : top + height, left : left + width] = False
    return mask


def outpaint(
    image_shape: Sequence[int], height: int | None = None, width: int | None = None
) -> Tensor:
    """Keep a box of height x width pixels in the middle only; half of each side by default.

    Raises:
        ValueError: for a box that leaves the image or covers it.
    """
    return ~box(image_shape, height, width)


def half(image_shape: Sequence[int], side: str = "right") -> Tensor:
    """Lose the half of the image on `side`: left, right, top or bottom."""
    rows, columns = _sides(image_shape)
    mask = torch.ones(rows, columns, dtype=torch.bool)
    if side in ("left", "right"):
        cut = slice(columns // 2) if side == "left" else slice((columns + 1) // 2, None)
        mask[:, cut] = False
    elif side in ("top", "bottom"):
        mask[slice(rows // 2) if side == "top" else slice((rows + 1) // 2, None)] = False
    else:
        raise ValueError(f"mask: side must be left, right, top or bottom, got {side!r}")
    return mask


def binary(owner: str, mask: Tensor) -> Tensor:
    """A mask in float64 on the CPU; bytes may be 0 and 255.

    Raises:
        ValueError: for other values.
    """
    mask = torch.as_tensor(mask).detach().cpu()
    full = mask.double() / (255 if mask.dtype == torch.uint8 and bool((mask > 1).any()) else 1)
    if not bool(((full == 0) | (full == 1)).all()):
        raise ValueError(f"{owner}: mask must hold only 0 (not measured) and 1 (measured)")
    return full
