"""Colour: fewer channels than the image has."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator


class Greyscale(SpectralOperator):
    """Takes a weighted sum of the channels.

    `y = sum_c w_c x_c`: (C, H, W) -> (1, H, W), one singular value `||w||`.

    Args:
        weights: one per channel, their mean by default (as DDRM and DDNM take it); Rec. 601 luma
            is (0.299, 0.587, 0.114).

    Raises:
        ValueError: for another count, NaN, or zeros only.
    """

    w: Tensor

    def __init__(self, image_shape: Sequence[int], weights: Sequence[float] | None = None) -> None:
        shape = as_shape("Greyscale", "image_shape", image_shape, rank=3)
        values = [1 / shape[0]] * shape[0] if weights is None else [float(w) for w in weights]
        w = torch.tensor(values, dtype=torch.float64)
        size = float(w.norm())
        if w.shape != shape[:1] or not 0 < size < float("inf"):
            raise ValueError(
                f"Greyscale: weights must be {shape[0]} finite numbers, one per channel and not "
                f"all zero, got {weights}"
            )
        s = torch.full((1, 1, 1, 1), size, dtype=torch.float64)
        super().__init__(shape, (1, *shape[1:]), s, v_complete=shape[0] == 1)
        self.constant("w", (w / size).view(1, -1, 1, 1))

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = u

    def v(self, z: Tensor) -> Tensor:
        return z * self.w

    def vt(self, x: Tensor) -> Tensor:
        return self._weigh(x, self.w)

    def _plus_v(self, x: Tensor, z: Tensor) -> Tensor:
        return torch.addcmul(x, self.w, z)

    def _forward(self, x: Tensor) -> Tensor:
        return self._weigh(x, self.w * self.s)

    def _adjoint(self, y: Tensor) -> Tensor:
        return y * (self.w * self.s)

    def _pinv(self, y: Tensor) -> Tensor:
        return y * (self.w * self.s_inv)

    def _weigh(self, x: Tensor, weights: Tensor) -> Tensor:
        return (weights.view(1, -1) @ x.flatten(2)).unflatten(2, self.in_shape[1:])


def greyscale(image_shape: Sequence[int], weights: Sequence[float] | None = None) -> Greyscale:
    """Colourisation: only a weighted mean of the channels is measured."""
    return Greyscale(image_shape, weights)
