"""Compressed sensing: fewer random projections than pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.base import as_shape
from operators.spectral import SpectralOperator


def hadamard(n: int) -> Tensor:
    """The orthonormal, symmetric n × n Walsh–Hadamard matrix (n a power of two), float64."""
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while matrix.shape[0] < n:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return matrix / n**0.5


class WalshHadamard(SpectralOperator):
    """y = R H D x per channel: (C, H, W) -> (C, m), m = round(ratio·H·W), at least 1.

    D flips the sign of every pixel at random, which spreads the image's energy over all
    coefficients (a smooth image sits in few of them otherwise, and R would miss those); H is
    the orthonormal two-dimensional Walsh–Hadamard transform, H_H X H_W, done as two small
    matrix products; R keeps m random coefficients, the same in every channel. A Aᵀ = I.
    Both draws come from `seed`. Raises ValueError unless 0 < ratio <= 1 and both sides are
    powers of two.

    Reference: Do et al., 2012, doi:10.1109/TSP.2011.2170977 (structurally random matrices).
    """

    left: Tensor
    right: Tensor
    signs: Tensor
    rows: Tensor

    def __init__(self, image_shape: Sequence[int], ratio: float = 0.25, seed: int = 0) -> None:
        shape = as_shape("WalshHadamard", "image_shape", image_shape, rank=3)
        channels, height, width = shape
        if height & (height - 1) or width & (width - 1):
            raise ValueError(
                f"WalshHadamard: both sides of the image must be powers of two, got "
                f"({height}, {width}); crop or resize it"
            )
        if not 0 < ratio <= 1:
            raise ValueError(f"WalshHadamard: ratio must be in (0, 1], got {ratio}")
        n = height * width
        m = max(1, round(ratio * n))
        generator = torch.Generator().manual_seed(seed)
        signs = torch.randint(0, 2, (height, width), generator=generator).double() * 2 - 1
        rows = torch.randperm(n, generator=generator)[:m].sort().values
        s = torch.zeros(1, 1, n, dtype=torch.float64)
        s[..., rows] = 1
        super().__init__(shape, (channels, m), s)
        self.unitary = m == n
        self.constant("signs", signs)
        self.constant("left", hadamard(height))
        self.constant("right", hadamard(width))
        self.constant("rows", rows)

    def u(self, z: Tensor) -> Tensor:
        return z.index_select(2, self.rows)

    def ut(self, y: Tensor) -> Tensor:
        zero = y.new_zeros(*y.shape[:2], self.s.shape[2])
        return zero.index_copy(2, self.rows, y)

    def v(self, z: Tensor) -> Tensor:
        x = z.unflatten(2, self.in_shape[1:])
        return torch.matmul(torch.matmul(self.left, x), self.right) * self.signs

    def vt(self, x: Tensor) -> Tensor:
        return torch.matmul(torch.matmul(self.left, x * self.signs), self.right).flatten(2)

    def _forward(self, x: Tensor) -> Tensor:
        return self.u(self.vt(x))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.v(self.ut(y))

    _pinv = _adjoint

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        rest = y - self._forward(x)
        if isinstance(lam, Tensor):
            return x + self._adjoint(rest / (1 + (lam if lam.ndim == 0 else lam.view(-1, 1, 1))))
        return x + self._adjoint(rest * (1 / (1 + lam)))


class DenseGaussian(SpectralOperator):
    """y = A x with independent A_ij ~ N(0, 1/m): (C, H, W) -> (m,), over the whole flat image.

    The singular value decomposition is done once, in float64, and takes O(m² C H W) time and
    3 m C H W numbers of memory: meant for small images. Raises ValueError for m < 1.
    """

    left: Tensor
    right: Tensor

    def __init__(self, image_shape: Sequence[int], m: int, seed: int = 0) -> None:
        shape = as_shape("DenseGaussian", "image_shape", image_shape)
        (m,) = as_shape("DenseGaussian", "m", [m])
        n = torch.Size(shape).numel()
        generator = torch.Generator().manual_seed(seed)
        matrix = torch.randn(m, n, generator=generator, dtype=torch.float64) / m**0.5
        left, s, right = torch.linalg.svd(matrix, full_matrices=False)
        super().__init__(shape, (m,), s[None], v_complete=m >= n, u_complete=m <= n)
        self.constant("left", left)
        self.constant("right", right)

    def u(self, z: Tensor) -> Tensor:
        return z @ self.left.mT

    def ut(self, y: Tensor) -> Tensor:
        return y @ self.left

    def v(self, z: Tensor) -> Tensor:
        return (z @ self.right).unflatten(1, self.in_shape)

    def vt(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.right.mT


def walsh_hadamard(image_shape: Sequence[int], ratio: float = 0.25, seed: int = 0) -> WalshHadamard:
    """Compressed sensing by random Walsh–Hadamard coefficients."""
    return WalshHadamard(image_shape, ratio, seed)


def dense_gaussian(image_shape: Sequence[int], m: int, seed: int = 0) -> DenseGaussian:
    """Compressed sensing by m dense Gaussian projections (small images)."""
    return DenseGaussian(image_shape, m, seed)
