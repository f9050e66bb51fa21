"""Keeping one pixel of each block."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.downsample import blocks
from operators.solve import column
from operators.spectral import SpectralOperator


class Decimate(SpectralOperator):
    """y = x[::f, ::f]: the top left pixel of each f × f block, (C, H, W) -> (C, H/f, W/f).

    A Aᵀ = I; U = I, V puts zeros between the pixels. `Decimate(shape, f) @ Blur(shape, kernel)`,
    the usual model of super-resolution, is a `DecimatedBlur`.
    Raises ValueError where the factor is below 1 or does not divide both sides.
    """

    mask: Tensor

    def __init__(self, image_shape: Sequence[int], factor: int) -> None:
        shape, out, factor = blocks("Decimate", image_shape, factor)
        self.factor = factor
        one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        super().__init__(shape, out, one, v_complete=factor == 1)
        mask = torch.zeros(shape[1:], dtype=torch.float64)
        mask[::factor, ::factor] = 1
        self.constant("mask", mask)

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = u

    def v(self, z: Tensor) -> Tensor:
        x = z.new_zeros(len(z), *self.in_shape)
        x[..., :: self.factor, :: self.factor] = z
        return x

    def vt(self, x: Tensor) -> Tensor:
        return x[..., :: self.factor, :: self.factor].clone(memory_format=torch.contiguous_format)

    _forward = vt
    _adjoint = _pinv = v

    def _gram(self, x: Tensor) -> Tensor:
        return x * self.mask

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        return b / (self.mask + column(lam, b))


def decimate(image_shape: Sequence[int], factor: int = 4) -> Decimate:
    """Every factor-th pixel, without any blur."""
    return Decimate(image_shape, factor)
