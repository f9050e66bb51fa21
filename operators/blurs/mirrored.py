"""Blur with mirrored borders, diagonal in the cosine domain."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.blurs import kernels
from operators.blurs.borders import Border
from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator


class CosineBlur(SpectralOperator):
    """Blurs by an even kernel with half-sample symmetric borders, c b a | a b c d | d c b.

    `y[i] = sum_j k[j] xs[i - j]`, xs the mirrored image (`scipy.ndimage.convolve(mode="reflect")`).
    With the orthonormal cosine transform D (DCT-II, as two matrix products) of both axes `V = D^T`,
    `s = |e|`, `U = V sign(e)`, of the eigenvalues `e_pq = sum_ij k_ij cos(pi p i / H) cos(pi q j /
    W)`. Half-sample symmetry is the one with an orthogonal transform: torch's "reflect" has the
    DCT-I, which is not. The forward map is faster by FFT of the padded image.

    Args:
        image_shape: (C, H, W).
        kernel: (h, w), one per channel (C, h, w), or one per sample (B, 1|C, h, w), with odd sides
            not above H and W, equal to itself flipped up-down and left-right.

    Raises:
        ValueError: for another kernel, even sides, one above the image's size, or NaN in it.

    Reference: Ng, Chan and Tang, 1999, SIAM J. Sci. Comput. 21(3), 851-866.
    """

    transfer: Tensor
    sign: Tensor
    left: Tensor
    right: Tensor

    def __init__(self, image_shape: Sequence[int], kernel: Tensor) -> None:
        shape = as_shape("CosineBlur", "image_shape", image_shape, rank=3)
        kernel = kernels.bank("CosineBlur", kernel, shape)
        if not is_even(kernel):
            raise ValueError(
                "CosineBlur: kernel must equal itself flipped up-down and flipped left-right; "
                "take PaddedBlur for any other"
            )
        over, under = (
            _waves(n, 2 * torch.arange(k) - (k - 1))
            for n, k in zip(shape[1:], kernel.shape[2:], strict=True)
        )
        values = over @ kernel @ under.mT
        several = kernel.shape[0] != 1
        super().__init__(shape, shape, values.abs(), per_sample=several)
        self._border = Border("CosineBlur", "symmetric", shape[1:], kernel.shape[2:])
        self.constant("transfer", self._border.transfer(kernel), several)
        self.constant("sign", torch.where(values < 0, -1.0, 1.0).double(), several)
        self.constant("left", transform(shape[1]))
        self.constant("right", transform(shape[2]))

    def u(self, z: Tensor) -> Tensor:
        return self.v(self.sign * z)

    def ut(self, y: Tensor) -> Tensor:
        return self.sign * self.vt(y)

    def v(self, z: Tensor) -> Tensor:
        return torch.matmul(torch.matmul(self.left.mT, z), self.right)

    def vt(self, x: Tensor) -> Tensor:
        return torch.matmul(torch.matmul(self.left, x), self.right.mT)

    def _forward(self, x: Tensor) -> Tensor:
        return self._border.measure(self.transfer * self._border.spectrum(x))

    _adjoint = _forward


def is_even(kernel: Tensor) -> bool:
    """Whether a kernel (..., h, w) equals itself flipped up-down and left-right, to rounding."""
    bound = 1e-14 * float(kernel.abs().max())
    return all(bool(((kernel - kernel.flip(dim)).abs() <= bound).all()) for dim in (-2, -1))


def transform(n: int) -> Tensor:
    """The orthonormal DCT-II matrix (n, n), float64."""
    matrix = _waves(n, 2 * torch.arange(n) + 1) * (2 / n) ** 0.5
    matrix[0] *= 0.5**0.5
    return matrix


def _waves(n: int, twice: Tensor) -> Tensor:
    """The cosines of pi p i / n for p = 0 ... n - 1 and the given 2 i: (n, len(twice)).

    The angles are reduced exactly.
    """
    quarters = torch.arange(n)[:, None] * twice % (4 * n)
    return torch.cos(math.pi / (2 * n) * quarters.double())
