"""Lower resolution."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from operators.base import as_shape
from operators.spectral import SpectralOperator


class Downsample(SpectralOperator):
    """y = means over f × f blocks: (C, H, W) -> (C, H/f, W/f); A Aᵀ = I/f², so s = 1/f.

    V spreads a block's value over its pixels, divided by f; U = I.
    Raises ValueError where the factor is below 1 or does not divide both sides.
    """

    def __init__(self, image_shape: Sequence[int], factor: int) -> None:
        shape = as_shape("Downsample", "image_shape", image_shape, rank=3)
        (factor,) = as_shape("Downsample", "factor", [factor])
        channels, height, width = shape
        if height % factor or width % factor:
            raise ValueError(
                f"Downsample: factor {factor} must divide both sides of the image "
                f"({height}, {width}); crop or resize it"
            )
        self.factor = factor
        out = (channels, height // factor, width // factor)
        s = torch.full((1, 1, 1, 1), 1 / factor, dtype=torch.float64)
        super().__init__(shape, out, s, v_complete=factor == 1)

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = u

    def v(self, z: Tensor) -> Tensor:
        return self._spread(z * (1 / self.factor))

    def vt(self, x: Tensor) -> Tensor:
        return avg_pool2d(x, self.factor) * float(self.factor)

    def _forward(self, x: Tensor) -> Tensor:
        return avg_pool2d(x, self.factor)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._spread(y * (1 / self.factor**2))

    def _gram(self, x: Tensor) -> Tensor:
        return self._adjoint(self._forward(x))

    def _pinv(self, y: Tensor) -> Tensor:
        return self._spread(y)

    def _spread(self, y: Tensor) -> Tensor:
        f, (b, c, h, w) = self.factor, y.shape
        wide = y[:, :, :, None, :, None].expand(b, c, h, f, w, f)
        return wide.reshape(b, c, h * f, w * f)


def downsample(image_shape: Sequence[int], factor: int = 4) -> Downsample:
    """Block-average super-resolution by `factor`."""
    return Downsample(image_shape, factor)
