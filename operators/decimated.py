"""Super-resolution: a circular blur and a lower sampling rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from operators import kernels
from operators.aliasing import gather, halved, mean_transfer, spread
from operators.blur import Blur
from operators.decimate import Decimate
from operators.downsample import Downsample
from operators.products import chained
from operators.solve import column
from operators.spectral import SpectralOperator


class DecimatedBlur(SpectralOperator):
    """y = a circular blur of x, of which each f × f block's first pixel, or mean, is kept.

    It is `outer @ inner` with outer a `Decimate`, or a `Downsample`, and inner a `Blur`. In the
    orthonormal Fourier domain ŷ[q] = (1/f) Σ_a h[q + a] x̂[q + a] over the f² aliases of q, with
    h the transfer of the blur (times that of the mean). No two q share an alias, so
    A Aᵀ = F* diag(s²) F, s²[q] = (1/f²) Σ_a |h[q + a]|², with F of the small image; U = F*, and
    V puts h*[q + a] / (f s[q]) times coefficient q at each of its aliases.

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
        return torch.fft.irfft2(z, self._small, norm="ortho")

    def ut(self, y: Tensor) -> Tensor:
        return torch.fft.rfft2(y, norm="ortho")

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
        return torch.fft.rfft2(x, norm="ortho").unflatten(2, (self._factor, self._small[0]))

    def _image(self, z: Tensor) -> Tensor:
        return torch.fft.irfft2(z.flatten(2, 3), self._sides, norm="ortho")

    def _gather(self, z: Tensor) -> Tensor:
        return gather(self.forth, z, self._sides[1])

    def _aliases(self, z: Tensor) -> Tensor:
        return spread(z, self._factor, self._sides[1])


def downsample_gaussian(
    image_shape: Sequence[int], factor: int = 4, size: int = 25, std: float = 1.6
) -> DecimatedBlur:
    """Gaussian blur (circular), then every factor-th pixel; size and std in pixels."""
    blur = Blur(image_shape, kernels.gaussian(size, std))
    return DecimatedBlur(Decimate(image_shape, factor), blur)


def downsample_file(
    image_shape: Sequence[int], kernel: str | Path, key: str | None = None, factor: int = 4
) -> DecimatedBlur:
    """Circular blur with a kernel from a file, then every factor-th pixel."""
    blur = Blur(image_shape, kernels.from_file(kernel, key))
    return DecimatedBlur(Decimate(image_shape, factor), blur)
