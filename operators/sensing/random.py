"""Compressed sensing: fewer random projections than pixels."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.matrix import MatrixOperator
from operators.core.operator import as_shape
from operators.sensing.transforms import SampledTransform, measurements


def hadamard(n: int) -> Tensor:
    """The orthonormal, symmetric n x n Walsh-Hadamard matrix (n a power of two), float64."""
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while matrix.shape[0] < n:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return matrix / n**0.5


class WalshHadamard(SampledTransform):
    """Keeps random Walsh-Hadamard coefficients of an image whose pixels' signs are shuffled.

    `y = R H D x` per channel: (C, H, W) -> (C, m), `m = round(ratio * H * W)`, at least 1; `A A^T =
    I`. D flips the sign of every pixel at random, which spreads the image's energy over all
    coefficients (a smooth image sits in few of them otherwise, and R would miss those); H is the
    orthonormal two-dimensional Walsh-Hadamard transform, `H_H X H_W`, done as two small matrix
    products; R keeps m random coefficients, the same in every channel. Both draws come from `seed`.

    Raises:
        ValueError: unless 0 < ratio <= 1 and both sides are powers of two.

    Reference: Do et al., 2012, doi:10.1109/TSP.2011.2170977 (structurally random matrices).
    """

    left: Tensor
    right: Tensor
    signs: Tensor

    def __init__(self, image_shape: Sequence[int], ratio: float = 0.25, seed: int = 0) -> None:
        shape = as_shape("WalshHadamard", "image_shape", image_shape, rank=3)
        _, height, width = shape
        if height & (height - 1) or width & (width - 1):
            raise ValueError(
                f"WalshHadamard: both sides of the image must be powers of two, got "
                f"({height}, {width}); crop or resize it"
            )
        n = height * width
        m = measurements("WalshHadamard", ratio, n)
        generator = torch.Generator().manual_seed(seed)
        signs = torch.randint(0, 2, (height, width), generator=generator).double() * 2 - 1
        super().__init__(shape, torch.randperm(n, generator=generator)[:m].sort().values)
        self.constant("signs", signs)
        self.constant("left", hadamard(height))
        self.constant("right", hadamard(width))

    def v(self, z: Tensor) -> Tensor:
        x = z.unflatten(2, self.in_shape[1:])
        return torch.matmul(torch.matmul(self.left, x), self.right).mul_(self.signs)

    def vt(self, x: Tensor) -> Tensor:
        return torch.matmul(torch.matmul(self.left, x * self.signs), self.right).flatten(2)


class DenseGaussian(MatrixOperator):
    """Multiplies the whole flat image by a matrix of independent normal entries.

    `y = A x` with `A_ij ~ N(0, 1/m)`: (C, H, W) -> (m,). The singular value decomposition is done
    once, in float64, and takes O(m^2 C H W) time; it is kept in float64, too, all in all 24 m C H W
    bytes: meant for small images.

    Raises:
        ValueError: for m < 1.
    """

    def __init__(self, image_shape: Sequence[int], m: int, seed: int = 0) -> None:
        shape = as_shape("DenseGaussian", "image_shape", image_shape)
        (m,) = as_shape("DenseGaussian", "m", [m])
        generator = torch.Generator().manual_seed(seed)
        matrix = torch.randn(m, math.prod(shape), generator=generator, dtype=torch.float64)
        super().__init__(shape, (m,), matrix / m**0.5)

    def _cut(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def _join(self, parts: Tensor) -> Tensor:
        return parts.unflatten(1, self.in_shape)

    # M x^T is read row by row: for a small batch 1.5 times as fast as x M^T.
    def vt(self, x: Tensor) -> Tensor:
        return torch.matmul(self.right, x.flatten(1).mT).mT.contiguous()

    def _forward(self, x: Tensor) -> Tensor:
        return torch.matmul(self.matrix, x.flatten(1).mT).mT.contiguous()


def walsh_hadamard(image_shape: Sequence[int], ratio: float = 0.25, seed: int = 0) -> WalshHadamard:
    """Compressed sensing by random Walsh-Hadamard coefficients."""
    return WalshHadamard(image_shape, ratio, seed)


def dense_gaussian(image_shape: Sequence[int], m: int, seed: int = 0) -> DenseGaussian:
    """Compressed sensing by m dense Gaussian projections (small images)."""
    return DenseGaussian(image_shape, m, seed)
