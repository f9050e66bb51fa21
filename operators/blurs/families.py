"""Blurs by kernel and border: the class that solves best for them."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from operators.blurs import borders, kernels, separable
from operators.blurs.circular import Blur
from operators.blurs.mirrored import CosineBlur, is_even
from operators.blurs.padded import PaddedBlur
from operators.core.linear import LinearOperator
from operators.core.operator import as_shape


def blur_kernel(
    image_shape: Sequence[int], kernel: Tensor, padding: str = "circular"
) -> LinearOperator:
    """Blur by a kernel, as the operator that solves best for what lies beyond the border.

    padding: zero, reflect, symmetric, replicate, circular or valid, see `borders.Border`.
    `Blur` for circular; `Separable` for any other where the kernel is an outer product (as
    Gaussians along the axes are); `CosineBlur` for symmetric where it is even; all of these in
    closed form. `PaddedBlur`, by conjugate gradients, for the rest.

    Raises:
        ValueError: as these do.
    """
    if borders.known("Blur", padding) == "circular":
        return Blur(image_shape, kernel)
    shape = as_shape("Blur", "image_shape", image_shape, rank=3)
    bank = kernels.bank("Blur", kernel, shape)
    lines = separable.outer(bank)
    if lines is not None:
        pairs = zip(lines, shape[1:], strict=True)
        matrices = [separable.convolution(taps, n, padding) for taps, n in pairs]
        return separable.Separable(shape, *matrices)
    if padding == "symmetric" and is_even(bank):
        return CosineBlur(shape, bank)
    return PaddedBlur(shape, bank, padding)


def blur_gaussian(
    image_shape: Sequence[int], size: int = 61, std: float = 3.0, padding: str = "circular"
) -> LinearOperator:
    """Gaussian blur; size and std in pixels. See `kernels.gaussian`, `blur_kernel`."""
    return blur_kernel(image_shape, kernels.gaussian(size, std), padding)


def blur_anisotropic(
    image_shape: Sequence[int],
    size: int = 25,
    std_x: float = 4.0,
    std_y: float = 1.0,
    angle: float = 30.0,
    padding: str = "circular",
) -> LinearOperator:
    """Gaussian blur, longer in one direction. See `kernels.anisotropic`, `blur_kernel`."""
    return blur_kernel(image_shape, kernels.anisotropic(size, std_x, std_y, angle), padding)


def blur_line(
    image_shape: Sequence[int],
    size: int = 25,
    length: float = 12.0,
    angle: float = 0.0,
    padding: str = "circular",
) -> LinearOperator:
    """Motion blur along a line; length in pixels. See `kernels.line`, `blur_kernel`."""
    return blur_kernel(image_shape, kernels.line(size, length, angle), padding)


def blur_motion(
    image_shape: Sequence[int],
    size: int = 61,
    seed: int = 0,
    extent: float = 0.7,
    curl: float = 1.0,
    padding: str = "circular",
) -> LinearOperator:
    """Motion blur along a seeded random track. See `kernels.motion`, `blur_kernel`."""
    return blur_kernel(image_shape, kernels.motion(size, seed, extent, curl), padding)


def blur_defocus(
    image_shape: Sequence[int],
    size: int = 15,
    radius: float | None = None,
    padding: str = "circular",
) -> LinearOperator:
    """Blur by a disc; radius in pixels. See `kernels.defocus`, `blur_kernel`."""
    return blur_kernel(image_shape, kernels.defocus(size, radius), padding)


def blur_file(
    image_shape: Sequence[int],
    kernel: str | Path,
    key: str | None = None,
    padding: str = "circular",
) -> LinearOperator:
    """Blur with a kernel from a file. See `kernels.from_file`, `blur_kernel`."""
    return blur_kernel(image_shape, kernels.from_file(kernel, key), padding)


def psf_file(
    image_shape: Sequence[int],
    psf: str | Path,
    key: str | None = None,
    background: float = 0.0,
    padding: str = "symmetric",
) -> LinearOperator:
    """Blur by an instrument's measured point spread function, of a bead or a star.

    Beyond the border the picture goes on as a mirror has it; with padding=valid the image is
    larger than the measurement by the function's sides less 1, and what lies there is restored.
    See `kernels.from_file`, `blur_kernel`.
    """
    return blur_kernel(image_shape, kernels.from_file(psf, key, background), padding)
