"""Blur kernels: float64 tensors (h, w) with odd sides, non-negative, summing to 1."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from operators.core.files import read_array


def _odd(size: int) -> int:
    if not hasattr(size, "__index__") or size < 1 or size % 2 == 0:
        raise ValueError(f"kernel: size must be an odd number of pixels, 1 or more, got {size}")
    return int(size)


def gaussian(size: int = 61, std: float = 3.0) -> Tensor:
    """The kernel `k(i, j) ~ exp(-(i^2 + j^2) / 2 std^2)` on size x size pixels; std in pixels."""
    if not std > 0:
        raise ValueError(f"kernel: std must be > 0 pixels, got {std}")
    i = torch.arange(_odd(size), dtype=torch.float64) - (size - 1) / 2
    line = torch.exp(-(i**2) / (2 * std**2))
    line = line / line.sum()
    return line[:, None] * line[None, :]


def anisotropic(
    size: int = 25, std_x: float = 4.0, std_y: float = 1.0, angle: float = 30.0
) -> Tensor:
    """A Gaussian of standard deviations std_x, std_y pixels along its own two axes.

    angle: from the image's rows to the first of them, in degrees, counter-clockwise as seen.
    """
    if not (std_x > 0 and std_y > 0 and math.isfinite(angle)):
        raise ValueError(
            f"kernel: std_x and std_y must be > 0 pixels and the angle finite, got "
            f"{std_x}, {std_y}, {angle}"
        )
    i = torch.arange(_odd(size), dtype=torch.float64) - (size - 1) / 2
    up, right, turn = -i[:, None], i[None, :], math.radians(angle)
    along = right * math.cos(turn) + up * math.sin(turn)
    across = up * math.cos(turn) - right * math.sin(turn)
    kernel = torch.exp(-((along / std_x) ** 2 + (across / std_y) ** 2) / 2)
    return kernel / kernel.sum()


def defocus(size: int = 15, radius: float | None = None) -> Tensor:
    """A uniform disc of `radius` pixels (size/2 by default), edges smoothed by 9 x 9 samples."""
    radius = _odd(size) / 2 if radius is None else radius
    if not 0 < radius <= size / 2:
        raise ValueError(f"kernel: radius must be in (0, size/2 = {size / 2}], got {radius}")
    fine = 9
    i = (torch.arange(size * fine, dtype=torch.float64) + 0.5) / fine - size / 2
    disc = (i[:, None] ** 2 + i[None, :] ** 2 <= radius**2).double()
    kernel = disc.view(size, fine, size, fine).mean((1, 3))
    return kernel / kernel.sum()


def line(size: int = 25, length: float = 12.0, angle: float = 0.0) -> Tensor:
    """A straight, even motion over `length` pixels.

    angle: from the image's rows to the motion, in degrees, counter-clockwise as seen.
    """
    if not (0 < length <= _odd(size) - 1 and math.isfinite(angle)):
        raise ValueError(
            f"kernel: length must be in (0, size - 1 = {size - 1}] pixels and the angle finite, "
            f"got {length}, {angle}"
        )
    steps, turn = 64 * size, math.radians(angle)
    along = ((torch.arange(steps, dtype=torch.float64) + 0.5) / steps - 0.5) * length
    track = torch.stack([-along * math.sin(turn), along * math.cos(turn)])
    return _splat(track + (size - 1) / 2, size)


def motion(size: int = 61, seed: int = 0, extent: float = 0.7, curl: float = 1.0) -> Tensor:
    """The track of a shaken camera: a smooth random walk of the heading, at random speed.

    extent: longer side of the track as a fraction of the kernel; curl: how far the heading
    wanders, in radians over the exposure. The track's middle lies in the kernel's middle.

    Reference: after Boracchi and Foi, 2012, doi:10.1109/TIP.2012.2192126 (simplified: the speed
    and the turning rate are smoothed white noise, there are no impulses).
    """
    if not 0 < extent <= 1:
        raise ValueError(f"kernel: extent must be in (0, 1], got {extent}")
    steps, generator = 64 * _odd(size), torch.Generator().manual_seed(seed)
    coarse = torch.randn(2, 12, generator=generator, dtype=torch.float64)
    turn, speed = torch.nn.functional.interpolate(coarse[None], steps, mode="linear")[0]
    start = 2 * math.pi * torch.rand(1, generator=generator, dtype=torch.float64)
    heading = start + curl * turn.cumsum(0) * (12**0.5 / steps)
    pace = torch.exp(0.5 * speed)
    track = torch.stack([heading.sin() * pace, heading.cos() * pace]).cumsum(1)
    low, high = track.amin(1, keepdim=True), track.amax(1, keepdim=True)
    track = (track - (low + high) / 2) / (high - low).max().clamp_min(1e-12)
    return _splat(track * extent * (size - 1) + (size - 1) / 2, size)


def _splat(points: Tensor, size: int) -> Tensor:
    """Draw points (2, n), in pixels, with bilinear weights; sum 1."""
    kernel = torch.zeros(size, size, dtype=torch.float64)
    corner = points.floor().clamp(0, max(size - 2, 0))
    part = points - corner
    for di in (0, 1):
        for dj in (0, 1):
            i = (corner[0] + di).long().clamp_max(size - 1)
            j = (corner[1] + dj).long().clamp_max(size - 1)
            weight = (part[0] if di else 1 - part[0]) * (part[1] if dj else 1 - part[1])
            kernel.index_put_((i, j), weight, accumulate=True)
    return kernel / kernel.sum()


def from_file(path: str | Path, key: str | None = None, background: float = 0.0) -> Tensor:
    """Read a kernel from a file of arrays (array `key`) or an image, and divide it by its sum.

    The middle of an even side n is its element n / 2, counted from 0, where `fftshift` has it: a
    row or column of zeros behind makes the side odd.

    Args:
        background: the share of the peak that is no light of the point; what is less becomes 0.

    Raises:
        FileNotFoundError: for a file that is not there.
        ValueError: for another rank, NaN or a sum that is not positive.
    """
    kernel = read_array(path, key)
    if kernel.ndim != 2 or not kernel.numel():
        raise ValueError(f"kernel: {path} must be (h, w), got {tuple(kernel.shape)}")
    if not 0 <= background < 1:
        raise ValueError(f"kernel: background is a share of the peak, 0 to 1, got {background}")
    if background:
        kernel = (kernel - background * kernel.max()).clamp_min(0)
    high, wide = kernel.shape
    kernel = torch.nn.functional.pad(kernel, (0, 1 - wide % 2, 0, 1 - high % 2))
    total = float(kernel.sum())
    if not (math.isfinite(total) and total > 0):
        raise ValueError(f"kernel: {path} must have a positive finite sum, got {total}")
    return kernel / total


def bank(owner: str, kernel: Tensor, image_shape: Sequence[int]) -> Tensor:
    """A blur's kernel argument as (1|B, 1|C, h, w), float64 on the CPU.

    Raises:
        ValueError: in the owner's name, for another rank or channel count, even sides, sides above
            the image's, NaN or inf.
    """
    kernel = torch.as_tensor(kernel).detach().to("cpu", torch.float64)
    given, sides, channels = tuple(kernel.shape), tuple(image_shape[1:]), image_shape[0]
    if kernel.ndim in (2, 3):
        kernel = kernel.reshape(*[1] * (4 - kernel.ndim), *given)
    odd = kernel.ndim == 4 and kernel.shape[2] % 2 == 1 and kernel.shape[3] % 2 == 1
    if not odd or kernel.shape[1] not in (1, channels):
        raise ValueError(
            f"{owner}: kernel must be (h, w), (1|{channels}, h, w) or (B, 1|{channels}, h, w) with "
            f"odd sides, got {given}"
        )
    if kernel.shape[2] > sides[0] or kernel.shape[3] > sides[1]:
        raise ValueError(
            f"{owner}: kernel {given[-2:]} is larger than the image {sides}; "
            "use a smaller kernel (size=…) or a larger image"
        )
    if not bool(torch.isfinite(kernel).all()):
        raise ValueError(f"{owner}: kernel holds NaN or inf")
    return kernel
