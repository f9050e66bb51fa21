"""Blur with wrap-around borders, diagonal in the Fourier domain."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.blurs import kernels
from operators.core import fft
from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator
from operators.solve import column


class Blur(SpectralOperator):
    """Blurs by circular convolution, as if the image were repeated on all sides.

    `y[i] = sum_j k[j] x[i - j]`, the kernel's middle at j = 0
    (`scipy.ndimage.convolve(mode="wrap")`). With the orthonormal DFT F and the kernel's transfer h:
    `V = F*`, `s = |h|`, `U = F* h / |h|`; coefficients are the complex half plane of `rfft2`.

    Args:
        image_shape: (C, H, W).
        kernel: (h, w), one per channel (C, h, w), or one per sample (B, 1|C, h, w), with odd sides
            not above H and W; its sum, which need not be 1, is the gain at frequency zero.

    Raises:
        ValueError: for even sides, a kernel above the image's size, or NaN in it.
    """

    transfer: Tensor
    phase: Tensor

    def __init__(self, image_shape: Sequence[int], kernel: Tensor) -> None:
        shape = as_shape("Blur", "image_shape", image_shape, rank=3)
        kernel = kernels.bank("Blur", kernel, shape)
        self._sides = shape[1:]
        h, w = kernel.shape[2:]
        padded = kernel.new_zeros(*kernel.shape[:2], *self._sides)
        padded[..., :h, :w] = kernel
        padded = padded.roll((-(h // 2), -(w // 2)), (2, 3))
        transfer = fft.rfft2(padded)
        s = transfer.abs()
        several = kernel.shape[0] != 1
        super().__init__(shape, shape, s, per_sample=several)
        phase = torch.where(s > 0, transfer / s.clamp_min(torch.finfo(s.dtype).tiny), 1.0)
        self.constant("transfer", transfer, several)
        self.constant("phase", phase, several)

    def u(self, z: Tensor) -> Tensor:
        return self.v(self.phase * z)

    def ut(self, y: Tensor) -> Tensor:
        return self.phase.conj() * self.vt(y)

    def v(self, z: Tensor) -> Tensor:
        return fft.irfft2(z, self._sides, norm="ortho")

    def vt(self, x: Tensor) -> Tensor:
        return fft.rfft2(x, norm="ortho")

    def _filter(self, x: Tensor, weight: Tensor) -> Tensor:
        return self.v(self.vt(x).mul_(weight))

    def _forward(self, x: Tensor) -> Tensor:
        return self._filter(x, self.transfer)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._filter(y, self.transfer.conj())

    def _gram(self, x: Tensor) -> Tensor:
        return self._filter(x, self.s2)

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        return self._filter(b, 1 / (self.s2 + column(lam, b)))

    def _pinv(self, y: Tensor) -> Tensor:
        return self._filter(y, self.phase.conj() * self.s_inv)

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        if not isinstance(lam, Tensor) and lam == 0:
            weight = self.phase.conj() * self.s_inv
        else:
            weight = self.transfer.conj() / (self.s2 + column(lam, x))
        rest = self.vt(y).addcmul_(self.transfer, self.vt(x), value=-1)
        return self.v(rest.mul_(weight)).add_(x)
