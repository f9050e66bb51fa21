"""Demosaicing: a sensor sees one colour at each pixel."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator
from operators.solve import column

PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")


class Bayer(SpectralOperator):
    """Takes the raw mosaic of a colour image: of each pixel its colour's row.

    (3, H, W) -> (1, H, W). `A A^T = I`, and `A^T A = diag(mask)`: s = 1, U = I, V puts each pixel's
    value back into its colour.

    Args:
        image_shape: (3, H, W), R, G, B.
        pattern: the colours of a 2 x 2 cell read row by row, at the image's top left: RGGB, BGGR,
            GRBG or GBRG.

    Raises:
        ValueError: for another number of channels or another pattern.
    """

    pointwise = True
    mask: Tensor

    def __init__(self, image_shape: Sequence[int], pattern: str = "RGGB") -> None:
        shape = as_shape("Bayer", "image_shape", image_shape, rank=3)
        if shape[0] != 3:
            raise ValueError(f"Bayer: the image must have 3 channels (R, G, B), got {shape}")
        if pattern not in PATTERNS:
            raise ValueError(
                f"Bayer: pattern must be one of {', '.join(PATTERNS)}, got {pattern!r}"
            )
        self._cells = [(i // 2, i % 2, "RGB".index(colour)) for i, colour in enumerate(pattern)]
        one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        super().__init__(shape, (1, *shape[1:]), one, v_complete=False)
        mask = torch.zeros(shape, dtype=torch.float64)
        for i, j, colour in self._cells:
            mask[colour, i::2, j::2] = 1
        self.constant("mask", mask)

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = u

    def v(self, z: Tensor) -> Tensor:
        return z * self.mask

    def vt(self, x: Tensor) -> Tensor:
        y = x.new_empty(len(x), *self.out_shape)
        for i, j, colour in self._cells:
            y[:, 0, i::2, j::2] = x[:, colour, i::2, j::2]
        return y

    _forward = vt
    _adjoint = _pinv = v

    def _gram(self, x: Tensor) -> Tensor:
        return x * self.mask

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        return b / (self.mask + column(lam, b))

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        if not isinstance(lam, Tensor) and lam == 0:
            return torch.lerp(x, y, self.mask)
        return torch.lerp(x, y, self.mask / (self.mask + column(lam, x)))


def bayer(image_shape: Sequence[int], pattern: str = "RGGB") -> Bayer:
    """Demosaicing of a raw image."""
    return Bayer(image_shape, pattern)
