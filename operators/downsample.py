"""Lower resolution."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.base import Shape, as_shape
from operators.spectral import SpectralOperator


class Downsample(SpectralOperator):
    """y = means over f × f blocks: (C, H, W) -> (C, H/f, W/f); A Aᵀ = I/f², so s = 1/f.

    Vᵀ takes the means, V spreads a block's value over its pixels, U = f I.
    Raises ValueError where the factor is below 1 or does not divide both sides.
    """

    def __init__(self, image_shape: Sequence[int], factor: int) -> None:
        shape, out, factor = blocks("Downsample", image_shape, factor)
        self.factor = factor
        s = torch.full((1, 1, 1, 1), 1 / factor, dtype=torch.float64)
        super().__init__(shape, out, s, v_complete=factor == 1)

    def u(self, z: Tensor) -> Tensor:
        return z * self.factor

    def ut(self, y: Tensor) -> Tensor:
        return y / self.factor

    # Rows and columns one after the other: half the time of avg_pool2d and of one joint expansion.
    def v(self, z: Tensor) -> Tensor:
        f, (b, c, h, w) = self.factor, z.shape
        wide = z[..., None].expand(b, c, h, w, f).reshape(b, c, h, 1, w * f)
        tall = wide.expand(b, c, h, f, w * f).clone(memory_format=torch.contiguous_format)
        return tall.view(b, c, h * f, w * f)

    def vt(self, x: Tensor) -> Tensor:
        f = self.factor
        return x.unflatten(2, (-1, f)).mean(3).unflatten(3, (-1, f)).mean(4)

    def _forward(self, x: Tensor) -> Tensor:
        return self.vt(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.v(y / self.factor**2)

    def _pinv(self, y: Tensor) -> Tensor:
        return self.v(y)


def blocks(owner: str, image_shape: Sequence[int], factor: int) -> tuple[Shape, Shape, int]:
    """The image's shape, that of its f × f blocks and f, or a ValueError naming the owner."""
    channels, height, width = shape = as_shape(owner, "image_shape", image_shape, rank=3)
    (factor,) = as_shape(owner, "factor", [factor])
    if height % factor or width % factor:
        raise ValueError(
            f"{owner}: factor {factor} must divide both sides of the image ({height}, {width}); "
            "crop or resize it"
        )
    return shape, (channels, height // factor, width // factor), factor


def downsample(image_shape: Sequence[int], factor: int = 4) -> Downsample:
    """Block-average super-resolution by `factor`."""
    return Downsample(image_shape, factor)
