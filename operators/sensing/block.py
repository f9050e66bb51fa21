"""Compressed sensing block by block."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.matrix import MatrixOperator
from operators.core.operator import as_shape
from operators.core.sizes import check_sides
from operators.sensing.transforms import measurements


class BlockSensing(MatrixOperator):
    """Multiplies each f x f block of each channel by one matrix.

    `y_ij = M x_ij`: (C, H, W) -> (C, H/f, W/f, m).

    Args:
        matrix: M, (m, f^2), one for all blocks; a block's pixels are in row-major order.

    Raises:
        ValueError: where f^2 is no square, f does not divide both sides, or M is not finite.

    Reference: Gan, 2007, doi:10.1109/ICDSP.2007.4288604.
    """

    def __init__(self, image_shape: Sequence[int], matrix: Tensor) -> None:
        channels, height, width = as_shape("BlockSensing", "image_shape", image_shape, rank=3)
        matrix = torch.as_tensor(matrix).detach().to("cpu", torch.float64)
        side = math.isqrt(matrix.shape[-1]) if matrix.ndim == 2 else 0
        if not matrix.numel() or side**2 != matrix.shape[-1] or not bool(matrix.isfinite().all()):
            raise ValueError(
                f"BlockSensing: matrix must be (m, f²), finite, for blocks of f × f pixels, got "
                f"{tuple(matrix.shape)}"
            )
        rule = f"BlockSensing: blocks of {side} × {side} pixels must tile"
        check_sides(rule, (channels, height, width), side)
        self.side = side
        out = (channels, height // side, width // side, matrix.shape[0])
        super().__init__((channels, height, width), out, matrix)

    def _cut(self, x: Tensor) -> Tensor:
        blocks = x.unflatten(3, (-1, self.side)).unflatten(2, (-1, self.side))
        return blocks.transpose(3, 4).flatten(4)

    def _join(self, parts: Tensor) -> Tensor:
        blocks = parts.unflatten(4, (self.side, self.side)).transpose(3, 4)
        return blocks.reshape(-1, *self.in_shape)


def block_sensing(
    image_shape: Sequence[int],
    ratio: float = 0.25,
    block: int = 32,
    seed: int = 0,
    orthonormal: bool = True,
) -> BlockSensing:
    """Block compressed sensing by one random matrix of m = round(ratio * block^2) rows, at least 1.

    orthonormal: rows of unit length, at right angles (y has the image's range, and M M^T = I);
    otherwise independent N(0, 1/m) entries.

    Raises:
        ValueError: unless 0 < ratio <= 1.
    """
    (block,) = as_shape("BlockSensing", "block", [block])
    m = measurements("BlockSensing", ratio, block**2)
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(m, block**2, generator=generator, dtype=torch.float64)
    matrix = torch.linalg.qr(matrix.mT).Q.mT if orthonormal else matrix / m**0.5
    return BlockSensing(image_shape, matrix)
