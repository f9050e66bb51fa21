"""Blocks of pixels, and sums over aliases, in the half-plane spectra of `rfft2`, and their adjoint.

Decimation by f makes f^2 frequencies of a large image, of sides (H, W), one of the small image, of
sides (h, w) = (H/f, W/f). Large half planes are kept as (..., f, h, W//2 + 1): the row p of the
small one has its f row aliases along the third axis from the end.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.operator import Shape, as_shape
from operators.core.sizes import check_sides


def gather(weights: Tensor, z: Tensor, width: int) -> Tensor:
    """The sum of `weights * z` over the f^2 aliases: (..., f, h, W//2 + 1) -> (..., h, w//2 + 1).

    width: W. weights are `halved`: a sum over the half plane and its mirror image has the columns
    that are in both of them twice.
    """
    (weight, alias), *others = zip(weights.unbind(-3), z.unbind(-3), strict=True)
    rows = weight * alias
    for weight, alias in others:
        rows.addcmul_(weight, alias)
    small = width // z.shape[-3]
    half = rows.new_zeros(*rows.shape[:-1], small)
    for part in rows.split(small, -1):
        half[..., : part.shape[-1]].add_(part)
    mirror = half.flip((-2, -1)).roll((1, 1), (-2, -1))
    keep = small // 2 + 1
    return half[..., :keep] + mirror[..., :keep].conj()


def halved(weights: Tensor, width: int) -> Tensor:
    """Halves of the columns of (..., W//2 + 1) that are their own mirror image. width: W."""
    columns = torch.arange(weights.shape[-1])
    return weights * torch.where((2 * columns) % width == 0, 0.5, 1.0).double()


def spread(z: Tensor, factor: int, width: int) -> Tensor:
    """Each coefficient at all of its aliases: (..., h, w//2 + 1) -> (..., 1, h, W//2 + 1)."""
    small = width // factor
    mirror = z[..., 1 : small - small // 2].flip((-2, -1)).roll(1, -2).conj()
    blocks = width // 2 // small
    rest = width // 2 + 1 - blocks * small
    whole = torch.cat([z, mirror], -1)
    return torch.cat([*[whole] * blocks, whole[..., :rest]], -1).unsqueeze(-3)


def mean_transfer(height: int, width: int, factor: int) -> Tensor:
    """The transfer of the mean over f x f pixels, counted from the first: (H, W//2 + 1)."""
    down, across = _mean_line(height, factor), _mean_line(width, factor)[: width // 2 + 1]
    return down[:, None] * across


def _mean_line(side: int, factor: int) -> Tensor:
    turns = torch.arange(side)[:, None] * torch.arange(factor) % side
    return torch.exp(2j * math.pi / side * turns.double()).mean(1)


def eyes(sides: tuple[int, ...], factor: int) -> tuple[Tensor, ...]:
    return tuple(torch.eye(n, dtype=torch.float64).unflatten(0, (-1, factor)) for n in sides)


def blocks(owner: str, image_shape: Sequence[int], factor: int) -> tuple[Shape, Shape, int]:
    """The image's shape, that of its f x f blocks and f, or a ValueError naming the owner."""
    channels, height, width = shape = as_shape(owner, "image_shape", image_shape, rank=3)
    (factor,) = as_shape(owner, "factor", [factor])
    check_sides(f"{owner}: factor {factor} must divide both sides of", shape, factor)
    return shape, (channels, height // factor, width // factor), factor
