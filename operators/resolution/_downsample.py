"""Lower resolution: one pixel, or the mean, of each block, alone or after a circular blur."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.blurs.circular import Blur
from operators.blurs.separable import lined
from operators.core.linear import LinearOperator
from operators.core.spectral import AdjointSpectral, SpectralOperator
from operators.resolution._aliased import DecimatedBlur
from operators.resolution.aliasing import blocks, eyes, mean_transfer
from operators.solve import column


class Downsample(SpectralOperator):
    """Takes the means over f x f blocks: (C, H, W) -> (C, H/f, W/f).

    `A A^T = I / f^2`, so `s = 1 / f`; `V^T` takes the means, V spreads a block's value over its
    pixels, `U = f I`.

    Raises:
        ValueError: where the factor is below 1 or does not divide both sides.
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

    @property
    def response(self) -> Tensor:
        """The transfer of what is done before every f-th pixel is kept, (H, W//2 + 1)."""
        _, height, width = self.in_shape
        return mean_transfer(height, width, self.factor)

    @property
    def factors(self) -> tuple[Tensor, Tensor]:
        """The matrices over rows and over columns, float64."""
        rows, columns = eyes(self.in_shape[1:], self.factor)
        return rows.mean(1), columns.mean(1)

    def _fused(self, inner: LinearOperator) -> LinearOperator | None:
        return after(self, inner)


class Decimate(SpectralOperator):
    """Takes the top left pixel of each f x f block: (C, H, W) -> (C, H/f, W/f).

    `y = x[::f, ::f]`, `A A^T = I`, `U = I`; V puts zeros between the pixels.
    `Decimate(shape, f) @ Blur(shape, kernel)`, the usual model of super-resolution, is a
    `DecimatedBlur`.

    Raises:
        ValueError: where the factor is below 1 or does not divide both sides.
    """

    pointwise = True
    response = 1.0
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

    @property
    def factors(self) -> tuple[Tensor, Tensor]:
        """The matrices over rows and over columns, float64."""
        rows, columns = eyes(self.in_shape[1:], self.factor)
        return rows[:, 0], columns[:, 0]

    def _fused(self, inner: LinearOperator) -> LinearOperator | None:
        return after(self, inner)


def after(outer: Decimate | Downsample, inner: LinearOperator) -> LinearOperator | None:
    """What stays in closed form behind a lower sampling rate."""
    if isinstance(inner, Blur):
        return DecimatedBlur(outer, inner)
    if type(inner) is type(outer):
        return type(outer)(inner.in_shape, outer.factor * inner.factor)
    if isinstance(inner, AdjointSpectral):
        return _after_adjoint(outer, inner.inner)
    return lined(outer, inner)


def _after_adjoint(outer: Decimate | Downsample, inner: LinearOperator) -> LinearOperator | None:
    """The same behind the adjoint of `inner`: what a small image, spread, gives when measured."""
    if isinstance(inner, Blur):
        return DecimatedBlur(outer, inner, flipped=True)
    if isinstance(outer, Downsample) and isinstance(inner, Downsample):
        times, rest = divmod(inner.factor, outer.factor)
        if rest == 0:  # U spreads over blocks: the means of blocks of blocks
            return Downsample(outer.out_shape, times).T * outer.factor**-2
    return None
