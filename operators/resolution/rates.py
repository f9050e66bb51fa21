"""Lower sampling rates by name: block means, every factor-th pixel, and a blur before it."""

from collections.abc import Sequence
from pathlib import Path

from operators.blurs import kernels
from operators.blurs.circular import Blur
from operators.resolution._aliased import DecimatedBlur
from operators.resolution._downsample import Decimate, Downsample


def downsample(image_shape: Sequence[int], factor: int = 4) -> Downsample:
    """Block-average super-resolution by `factor`."""
    return Downsample(image_shape, factor)


def decimate(image_shape: Sequence[int], factor: int = 4) -> Decimate:
    """Every factor-th pixel, without any blur."""
    return Decimate(image_shape, factor)


def downsample_gaussian(
    image_shape: Sequence[int], factor: int = 4, size: int = 25, std: float = 1.6
) -> DecimatedBlur:
    """Gaussian blur (circular), then every factor-th pixel; size and std in pixels."""
    kept = Decimate(image_shape, factor)
    return DecimatedBlur(kept, Blur(image_shape, kernels.gaussian(size, std)))


def downsample_file(
    image_shape: Sequence[int], kernel: str | Path, key: str | None = None, factor: int = 4
) -> DecimatedBlur:
    """Circular blur with a kernel from a file, then every factor-th pixel."""
    kept = Decimate(image_shape, factor)
    return DecimatedBlur(kept, Blur(image_shape, kernels.from_file(kernel, key)))
