"""A circular blur behind a lower sampling rate, diagonal over groups of aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from operators.blurs.circular import Blur
from operators.core import fft
from operators.core.operator import chained
from operators.core.spectral import SpectralOperator
from operators.resolution.aliasing import gather, halved, spread
from operators.solve import column

if TYPE_CHECKING:
    from operators.resolution._downsample import Decimate, Downsample

    Rate = Decimate | Downsample


class DecimatedBlur(SpectralOperator):
    """Blurs circularly, and keeps the first pixel, or the mean, of each f x f block.

    It is `outer @ inner` with outer a `Decimate`, or a `Downsample`, and inner a `Blur`. In the
    orthonormal Fourier domain `Y[q] = (1/f) sum_a h[q + a] X[q + a]` over the f^2 aliases of q,
    with h the transfer of the blur (times that of the mean). No two q share an alias, so `A A^T =
    F* diag(s^2) F`, `s^2[q] = (1/f^2) sum_a |h[q + a]|^2`, with F of the small image; `U = F*`, and
    V puts `h*[q + a] / (f s[q])` times coefficient q at each of its aliases. With `flipped` the
    blur is the adjoint of inner, h* in place of h.

    Reference: Zhao et al., 2016, doi:10.1109/TIP.2016.2567075.
    """

    forth: Tensor
    back: Tensor

    def __init__(self, outer: Rate, inner: Blur, flipped: bool = False) -> None:
        shape, out = chained(outer, inner)
        width, factor = shape[2], outer.factor
        transfer = inner.exact("transfer") / factor
        transfer = (transfer.conj() if flipped else transfer) * outer.response
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
