"""Fourier sampling: the part that all have in common, and real images."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.fft import ifftshift

from operators.core.fft import fft2, ifft2, irfft2, rfft2
from operators.core.operator import Shape, as_shape
from operators.core.spectral import SpectralOperator
from operators.masks import reading
from operators.medical import kspace
from operators.solve import column


class FourierOperator(SpectralOperator):
    """Samples the Fourier transform of each plane of an image.

    `y = M F x`, with `A^T A = F* diag(power) F`. A subclass says what the planes of an image are:
    `vt` gives the spectra of them, `v` the image of spectra. What comes fresh from an FFT is
    multiplied in place.
    """

    phase: Tensor
    kept: Tensor

    def __init__(
        self, shape: Shape, planes: int, mask: Tensor, power: Tensor, u_complete: bool
    ) -> None:
        several, out = mask.shape[0] != 1, (planes, *shape[1:], 2)
        super().__init__(shape, out, power.sqrt(), u_complete=u_complete, per_sample=several)
        phase = kspace.origin(shape[1:])
        self.constant("phase", phase)
        self.constant("kept", phase * mask, several)
        self.count(2 * planes * mask.sum((1, 2, 3)))

    @abstractmethod
    def v(self, z: Tensor) -> Tensor: ...

    @abstractmethod
    def vt(self, x: Tensor) -> Tensor: ...

    def support(self, y: Tensor) -> Tensor:
        return torch.where((self.kept != 0)[..., None], y, 0.0)

    def _forward(self, x: Tensor) -> Tensor:
        return torch.view_as_real(self.vt(x).mul_(self.kept))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.v(kspace.planes(y) * self.kept.conj())

    def _pinv(self, y: Tensor) -> Tensor:
        return self.v(kspace.planes(y) * (self.kept.conj() * self.s_inv**2))

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        if not isinstance(lam, Tensor) and lam == 0:
            inverse, stay = self.s_inv**2, (self.s == 0).to(self.s)
        else:
            inverse = 1 / (self.s2 + column(lam, self.s2))
            stay = column(lam, self.s2) * inverse
        z = kspace.planes(y) * (self.kept.conj() * inverse)
        return self.v(z.addcmul_(self.vt(x), stay))


class Fourier(FourierOperator):
    """Samples the Fourier transform of a real image, each channel by itself.

    `y = M F x`: (C, H, W) -> (C, H, W, 2). F and the layout of y and mask are as for `MRI`, but the
    spectrum of a real image is symmetric, `F x(-k) = conj F x(k)`. What counts is the symmetrised
    mask: `A^T A = F* diag((M(k) + M(-k)) / 2) F`, with values 0, 1/2 and 1.

    Raises:
        ValueError: for a mask of another size, not binary, or keeping nothing.
    """

    half: Tensor

    def __init__(self, image_shape: Sequence[int], mask: Tensor) -> None:
        shape = as_shape("Fourier", "image_shape", image_shape, rank=3)
        mask = kspace.as_mask("Fourier", mask, shape[1:])
        power = (mask + kspace.mirror(mask)) / 2
        super().__init__(shape, shape[0], mask, power, u_complete=False)
        self.constant("half", power[..., : shape[2] // 2 + 1], mask.shape[0] != 1)

    def u(self, z: Tensor) -> Tensor:
        return torch.view_as_real(z * (self.kept * self.s_inv))

    def ut(self, y: Tensor) -> Tensor:
        z = kspace.planes(y) * self.kept.conj()
        return (z + kspace.mirror(z).conj()) * (self.s_inv / 2)

    def v(self, z: Tensor) -> Tensor:
        return ifft2(z, norm="ortho").real.contiguous()

    def vt(self, x: Tensor) -> Tensor:
        return fft2(x, norm="ortho")

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        return irfft2(rfft2(b) * (1 / (self.half + column(lam, b))), b.shape[2:])


def fourier(
    image_shape: Sequence[int],
    acceleration: float = 4.0,
    centre: float = 0.08,
    pattern: str = "random",
    seed: int = 0,
) -> Fourier:
    """Fourier samples of a real image along columns of k-space. See `kspace.lines`."""
    return Fourier(image_shape, kspace.lines(image_shape, acceleration, centre, pattern, seed))


def fourier_file(image_shape: Sequence[int], mask: str | Path, key: str | None = None) -> Fourier:
    """Fourier samples of a real image by a mask from a file, frequency zero in its middle."""
    kept, said = reading.read(image_shape, mask, key)
    return Fourier(image_shape, ifftshift(kept, (-2, -1))).read_as(said)
