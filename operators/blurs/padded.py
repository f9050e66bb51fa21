"""Blur with borders that are not circular: the kernels for which only iteration solves it."""

from collections.abc import Sequence

from torch import Tensor

from operators.blurs import kernels
from operators.blurs.borders import Border
from operators.core.linear import LinearOperator
from operators.core.operator import as_shape


class PaddedBlur(LinearOperator):
    """Blurs an image that is padded beyond its border, in any of the ways of `borders.Border`.

    `y[i] = sum_j k[j] xp[i - j]`, xp the padded image, the kernel's middle at j = 0. Forward and
    adjoint are exact, by FFT; solves are by conjugate gradients. `blur_kernel` finds the closed
    form of those kernels and paddings that have one.

    Args:
        image_shape: (C, H, W).
        kernel: (h, w), one per channel (C, h, w), or one per sample (B, 1|C, h, w), with odd sides
            not above H and W; its sum is the gain on a flat image.
        padding: zero, reflect, symmetric, replicate, circular, or valid, where y has only the
            pixels that need no padding, (C, H - h + 1, W - w + 1).

    Raises:
        ValueError: for even sides, a kernel above the image's size, NaN in it, another padding.
    """

    transfer: Tensor

    def __init__(
        self, image_shape: Sequence[int], kernel: Tensor, padding: str = "reflect"
    ) -> None:
        shape = as_shape("PaddedBlur", "image_shape", image_shape, rank=3)
        kernel = kernels.bank("PaddedBlur", kernel, shape)
        self._border = border = Border("PaddedBlur", padding, shape[1:], kernel.shape[2:])
        super().__init__(shape, (shape[0], *border.out_sides))
        self.constant("transfer", border.transfer(kernel), per_sample=kernel.shape[0] != 1)

    def _forward(self, x: Tensor) -> Tensor:
        return self._border.measure(self.transfer * self._border.spectrum(x))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._border.spectrum_t(self.transfer.conj() * self._border.measure_t(y))
