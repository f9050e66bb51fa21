"""Denoising: the measurement is the image itself."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.linear import LinearOperator
from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator
from operators.solve import column


class Identity(SpectralOperator):
    """Measures the image itself, `y = x`, for denoising.

    Args:
        image_shape: (C, H, W), or any shape without the batch.
    """

    unitary = True

    def __init__(self, image_shape: Sequence[int]) -> None:
        shape = as_shape("Identity", "image_shape", image_shape)
        super().__init__(shape, shape, torch.ones([1] * (len(shape) + 1), dtype=torch.float64))

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = v = vt = u

    def _forward(self, x: Tensor) -> Tensor:
        return x.clone()

    _adjoint = _pinv = _gram = _forward

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        return torch.lerp(x, y, 1 / (1 + column(lam, x)))

    @property
    def T(self) -> LinearOperator:  # noqa: N802
        return self


def identity(image_shape: Sequence[int]) -> Identity:
    """Denoising."""
    return Identity(image_shape)
