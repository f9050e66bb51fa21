"""MRI of a k-space that was scanned: which of it was measured, and what its coils see."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.fft import fftshift, ifftshift

from operators.core.arrays import load_array
from operators.core.fft import ifft2
from operators.medical._mri import MRI, MultiCoilMRI

SIDES = (-2, -1)
EDGE = 0.9  # of the way from the middle to the border: no anatomy is left there


def mri_scan(
    image_shape: Sequence[int], kspace: str | Path, key: str | None = None, page: int | None = None
) -> MRI:
    """MRI with one coil that measures what is not zero in a file of k-space.

    Args:
        kspace: (H, W) complex, or pairs (H, W, 2), frequency zero in its middle: the measurement.
        key: its array in a file of several. page: which slice of (slices, H, W).

    Raises:
        FileNotFoundError, ValueError: as `load_array`, and for another size.
    """
    z = _read(image_shape, kspace, key, page, coils=1)
    scale = _peak(ifft2(z, norm="ortho").abs())
    operator = MRI(image_shape, (z != 0).any(0))
    return operator.read_as(_said(kspace, z, scale), partial(_arranged, scale=scale))


def mri_coils(
    image_shape: Sequence[int],
    kspace: str | Path,
    key: str | None = None,
    page: int | None = None,
    centre: int | None = None,
) -> MultiCoilMRI:
    """MRI with several coils, whose maps come from the middle of the k-space that they measured.

    Coil c sees `S_c = I_c / sqrt(sum_c |I_c|^2)` with I its image by the lowest frequencies, under
    a Hann window. The phase that the coils share is a part of the maps: the image is nearly real.

    Args:
        kspace: (coils, H, W) complex, frequency zero in its middle: the measurement.
        key: its array in a file of several. page: which slice of (slices, coils, H, W).
        centre: rows and columns of the middle; by default the largest square without a gap.

    Raises:
        FileNotFoundError, ValueError: as `load_array`, for another size, and a centre with gaps.

    Reference: McKenzie et al., 2002, doi:10.1002/mrm.10087 (self-calibrated maps).
    """
    z = _read(image_shape, kspace, key, page)
    mask = (z != 0).any(0)
    whole = _whole(fftshift(mask, SIDES))
    side = whole if centre is None else centre
    if not 2 <= side <= whole:
        raise ValueError(
            f"mri_coils: the middle of {kspace} is sampled without a gap on {whole} rows and "
            f"columns, and maps need at least 2 and centre of them, got {side}"
        )
    low = ifft2(z * _window(z.shape[-2:], side), norm="ortho")
    maps = fftshift(low / low.abs().square().sum(0).sqrt().clamp_min(1e-30), SIDES)
    combined = (maps.conj() * fftshift(ifft2(z, norm="ortho"), SIDES)).sum(0)
    scale = _peak(combined.abs())
    said = f"{_said(kspace, z, scale)}; maps of {len(z)} coils from its middle {side} x {side}"
    operator = MultiCoilMRI(image_shape, maps, mask)
    return operator.read_as(said, partial(_arranged, scale=scale))


def _read(
    image_shape: Sequence[int],
    path: str | Path,
    key: str | None,
    page: int | None,
    coils: int | None = None,
) -> Tensor:
    """(coils, H, W) complex128, frequency zero at [0, 0]."""
    array = load_array(path, key)
    array = array if page is None else array[page]
    z = torch.from_numpy(array)
    if not z.is_complex() and z.shape[-1] == 2:
        z = torch.view_as_complex(z.contiguous())
    z = z.reshape(-1, *z.shape[-2:]) if z.ndim in (2, 3) else z
    fits = z.is_complex() and z.ndim == 3 and z.shape[1:] == tuple(image_shape[1:])
    if not fits or coils not in (None, len(z)):
        many = "coils" if coils is None else coils
        raise ValueError(
            f"k-space {path}: must be complex, ({many}, {image_shape[1]}, {image_shape[2]}), got "
            f"{tuple(array.shape)} {array.dtype}; give page= of a volume, and shape= of its sides"
        )
    if not bool(z.isfinite().all()) or not bool(z.any()):
        raise ValueError(f"k-space {path}: holds NaN, inf or nothing but zeros")
    return ifftshift(z.to(torch.complex128), SIDES)


def _arranged(y: Tensor, scale: float) -> Tensor:
    """Numbers (..., H, W, 2), frequency zero in the middle, as the operator measures them."""
    return ifftshift(y, (-3, -2)) / scale


def _peak(magnitude: Tensor) -> float:
    return float(magnitude.max())


def _whole(mask: Tensor) -> int:
    """The side of the largest square in the middle that was sampled without a gap."""
    middle, side = [n // 2 for n in mask.shape], 0
    while side < min(mask.shape):
        rows, columns = (slice(m - (side + 1) // 2, m + side // 2 + 1) for m in middle)
        if not bool(mask[rows, columns].all()):
            break
        side += 1
    return side


def _window(sides: Sequence[int], side: int) -> Tensor:
    """A Hann window on the lowest frequencies, zero beyond them; frequency zero at [0, 0]."""
    lines = []
    for n in sides:
        k = torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
        line = 0.5 + 0.5 * torch.cos(2 * torch.pi * k / side)
        lines.append(torch.where(k.abs() < side / 2, line, 0.0))
    return lines[0][:, None] * lines[1]


def _said(path: str | Path, z: Tensor, scale: float) -> str:
    """What was read, and how large the noise is at the border, where there is little else."""
    mask = (z != 0).any(0)
    far = [2 * torch.fft.fftfreq(n, dtype=torch.float64).abs() for n in z.shape[-2:]]
    outer = (torch.maximum(far[0][:, None], far[1]) > EDGE) & mask
    said = f"{path}: {float(mask.double().mean()):.1%} of k-space, an image of 1 is {scale:.3g}"
    values = torch.view_as_real(z[:, outer])
    if values.numel() < 64:
        return said
    sigma = float(values.square().mean().sqrt()) / scale
    return f"{said}; its border is of sigma {sigma:.2g}"
