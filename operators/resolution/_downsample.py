"""Lower resolution: one pixel, or the mean, of each block, alone or after a circular blur."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.blurs.circular import Blur
from operators.blurs.separable import lined
from operators.core import fft
from operators.core.linear import LinearOperator
from operators.core.operator import chained
from operators.core.spectral import SpectralOperator
from operators.resolution.aliasing import blocks, eyes, gather, halved, mean_transfer, spread
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


class DecimatedBlur(SpectralOperator):
    """Blurs circularly, and keeps the first pixel, or the mean, of each f x f block.

    It is `outer @ inner` with outer a `Decimate`, or a `Downsample`, and inner a `Blur`. In the
    orthonormal Fourier domain `Y[q] = (1/f) sum_a h[q + a] X[q + a]` over the f^2 aliases of q,
    with h the transfer of the blur (times that of the mean). No two q share an alias, so `A A^T =
    F* diag(s^2) F`, `s^2[q] = (1/f^2) sum_a |h[q + a]|^2`, with F of the small image; `U = F*`, and
    V puts `h*[q + a] / (f s[q])` times coefficient q at each of its aliases.

    Reference: Zhao et al., 2016, doi:10.1109/TIP.2016.2567075.
    """

    forth: Tensor
    back: Tensor

    def __init__(self, outer: Decimate | Downsample, inner: Blur) -> None:
        shape, out = chained(outer, inner)
        (height, width), factor = shape[1:], outer.factor
        transfer = inner.exact("transfer") / factor
        if isinstance(outer, Downsample):
            transfer = transfer * mean_transfer(height, width, factor)
        transfer = transfer.unflatten(2, (factor, out[1]))
        s2 = gather(halved(transfer.conj(), width), transfer, width).real
        several = inner.batch is not None
        super().__init__(shape, out, s2.sqrt(), v_complete=False, per_sample=several)
        self._factor, self._sides, self._small = factor, shape[1:], out[1:]
        norm = spread(s2 + 0j, factor, width).real.sqrt()
        weights = torch.where(norm > 0, transfer / norm.clamp_min(torch.finfo(norm.dtype).tiny), 0)
        self.constant("forth", halved(weights, width), several)
        self.constant("back", weights.conj().resolve_conj(), several)

    def u(self, z: Tensor) -> Tensor:
        return fft.irfft2(z, self._small, norm="ortho")

    def ut(self, y: Tensor) -> Tensor:
        return fft.rfft2(y, norm="ortho")

    def v(self, z: Tensor) -> Tensor:
        return self._image(self.back * self._aliases(z))

    def vt(self, x: Tensor) -> Tensor:
        return self._gather(self._spectrum(x))

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        x = self._spectrum(b)  # our own, so it may be changed in place
        z = self._gather(x)
        null = x.addcmul_(self.back, self._aliases(z), value=-1)
        # null is projected once more, as in `SpectralOperator`
        lean = z * (column(lam, z) / (self.s2 + column(lam, z))) - self._gather(null)
        return self._image(null.addcmul_(self.back, self._aliases(lean))).mul_(1 / column(lam, b))

    def _spectrum(self, x: Tensor) -> Tensor:
        return fft.rfft2(x, norm="ortho").unflatten(2, (self._factor, self._small[0]))

    def _image(self, z: Tensor) -> Tensor:
        return fft.irfft2(z.flatten(2, 3), self._sides, norm="ortho")

    def _gather(self, z: Tensor) -> Tensor:
        return gather(self.forth, z, self._sides[1])

    def _aliases(self, z: Tensor) -> Tensor:
        return spread(z, self._factor, self._sides[1])


def after(outer: Decimate | Downsample, inner: LinearOperator) -> LinearOperator | None:
    """What stays in closed form behind a lower sampling rate."""
    if isinstance(inner, Blur):
        return DecimatedBlur(outer, inner)
    if type(inner) is type(outer):
        return type(outer)(inner.in_shape, outer.factor * inner.factor)
    return lined(outer, inner)
