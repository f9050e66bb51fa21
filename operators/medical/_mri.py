"""Magnetic resonance imaging: complex images in k-space, seen by one coil or by several."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.fft import ifftshift

from operators.core.fft import fft2, ifft2
from operators.core.linear import LinearOperator
from operators.core.operator import Wrapped, adopt, as_shape
from operators.masks import reading
from operators.medical import kspace
from operators.medical._fourier import FourierOperator


class MRI(FourierOperator):
    """Samples the Fourier transform of a complex image, as a scanner with one coil does.

    `y = M F x`: (2P, H, W) -> (P, H, W, 2); singular values 0 and 1. Channels 2p and 2p + 1 of x
    are the real and the imaginary part of plane p. `F x = fft2(ifftshift(x), norm="ortho")`; y is
    `torch.view_as_real` of its samples, with zeros where nothing was measured. For data with
    frequency zero in the middle, as fastMRI's, y is ifftshift of them over both axes. Real and
    imaginary parts are separate measurements, each with the noise's sigma.

    Args:
        mask: (H, W), (1, H, W), or one per sample (B, 1, H, W), 1 = measured, frequency zero at
            [0, 0].

    Raises:
        ValueError: for an odd number of channels, and for a mask of another size, not binary, or
            keeping nothing.

    Reference: Lustig, Donoho and Pauly, 2007, doi:10.1002/mrm.21391.
    """

    def __init__(self, image_shape: Sequence[int], mask: Tensor) -> None:
        shape = as_shape("MRI", "image_shape", image_shape, rank=3)
        if shape[0] % 2:
            raise ValueError(
                f"MRI: a complex image has pairs of channels (real, imaginary), got {shape}; "
                "for real images take Fourier"
            )
        mask = kspace.as_mask("MRI", mask, shape[1:])
        super().__init__(shape, shape[0] // 2, mask, mask, u_complete=True)
        self.unitary = bool(mask.all())

    def u(self, z: Tensor) -> Tensor:
        return torch.view_as_real(z * self.phase)

    def ut(self, y: Tensor) -> Tensor:
        return kspace.planes(y) * self.phase.conj()

    def v(self, z: Tensor) -> Tensor:
        return kspace.to_channels(ifft2(z, norm="ortho"))

    def vt(self, x: Tensor) -> Tensor:
        return fft2(kspace.to_complex(x), norm="ortho")

    def _pinv(self, y: Tensor) -> Tensor:
        return self._adjoint(y)


class MultiCoilMRI(Wrapped, LinearOperator):
    """Samples the Fourier transform of an image as several coils see it. Solved by CG.

    `y_c = M F (S_c x)` for coils c: (2, H, W) or (1, H, W) -> (coils, H, W, 2). The image is
    complex (real and imaginary channel) or real (one); the rest is as for `MRI`.

    Args:
        maps: sensitivities S, complex, (coils, H, W) or one set per sample (B, coils, H, W).

    Raises:
        ValueError: for other channels or maps, NaN in them, masks as for `MRI`, and for maps and
            masks of different batches.

    Reference: Pruessmann et al., 1999, Magn. Reson. Med. 42(5), 952-962 (SENSE).
    """

    maps: Tensor
    one: MRI
    outermost = "one"

    def __init__(self, image_shape: Sequence[int], maps: Tensor, mask: Tensor) -> None:
        shape = as_shape("MultiCoilMRI", "image_shape", image_shape, rank=3)
        maps = torch.as_tensor(maps).detach().to("cpu")
        maps = maps[None] if maps.ndim == 3 else maps
        fits = maps.ndim == 4 and maps.shape[1] and maps.shape[2:] == shape[1:]
        if shape[0] > 2 or not fits or not maps.is_complex() or not bool(maps.isfinite().all()):
            raise ValueError(
                f"MultiCoilMRI: image must have 1 or 2 channels, got {shape}, and maps must be "
                f"complex, finite, (coils, {shape[1]}, {shape[2]}), got {tuple(maps.shape)} "
                f"{maps.dtype}"
            )
        one, several = MRI((2 * maps.shape[1], *shape[1:]), mask), maps.shape[0] != 1
        if several and one.batch not in (None, maps.shape[0]):
            raise ValueError(
                f"MultiCoilMRI: {maps.shape[0]} sets of maps and {one.batch} masks do not mix"
            )
        super().__init__(shape, one.out_shape)
        adopt(self, one=one)
        self.constant("maps", maps.to(torch.complex128), several)

    def picture(self, y: Tensor) -> Tensor:
        return self.adjoint(y)  # what was not measured is zero: A^+ takes hundreds of steps

    def _forward(self, x: Tensor) -> Tensor:
        return torch.view_as_real(self._spectra(x).mul_(self.one.kept))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._join(kspace.planes(y) * self.one.kept.conj())

    def _gram(self, x: Tensor) -> Tensor:
        return self._join(self._spectra(x).mul_(self.one.s))

    def _spectra(self, x: Tensor) -> Tensor:
        x = x if self.in_shape[0] == 1 else kspace.to_complex(x)
        return fft2(x * self.maps, norm="ortho")

    def _join(self, z: Tensor) -> Tensor:
        x = torch.linalg.vecdot(self.maps, ifft2(z, norm="ortho"), dim=1).unsqueeze(1)
        return x.real.contiguous() if self.in_shape[0] == 1 else kspace.to_channels(x)


def mri(
    image_shape: Sequence[int],
    acceleration: float = 4.0,
    centre: float = 0.08,
    pattern: str = "random",
    seed: int = 0,
) -> MRI:
    """Single-coil MRI of a complex image along columns of k-space. See `kspace.lines`."""
    return MRI(image_shape, kspace.lines(image_shape, acceleration, centre, pattern, seed))


def mri_file(image_shape: Sequence[int], mask: str | Path, key: str | None = None) -> MRI:
    """Single-coil MRI of a complex image by a mask from a file, frequency zero in its middle."""
    kept, said = reading.read(image_shape, mask, key)
    return MRI(image_shape, ifftshift(kept, (-2, -1))).read_as(said)


def mri_multicoil(
    image_shape: Sequence[int],
    coils: int = 8,
    acceleration: float = 4.0,
    centre: float = 0.08,
    pattern: str = "random",
    seed: int = 0,
) -> MultiCoilMRI:
    """MRI with simulated coils. See `kspace.birdcage` and `kspace.lines`."""
    maps = kspace.birdcage(image_shape, coils)
    mask = kspace.lines(image_shape, acceleration, centre, pattern, seed)
    return MultiCoilMRI(image_shape, maps, mask)
