"""Compressed sensing by some coefficients of an orthonormal transform."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.blurs.mirrored import transform
from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator
from operators.solve import column


class SampledTransform(SpectralOperator):
    """Keeps some coefficients of an orthonormal transform.

    `y = R T x` per channel: (C, H, W) -> (C, m), so `A A^T = I`. A subclass writes `vt`, which is T
    as (B, C, H, W) -> (B, C, H * W), and `v`, its transpose.

    Args:
        rows: which m of the H * W coefficients R keeps, each once and the same in every channel.
    """

    rows: Tensor

    def __init__(self, image_shape: Sequence[int], rows: Tensor) -> None:
        shape = as_shape(self.name, "image_shape", image_shape, rank=3)
        channels, height, width = shape
        s = torch.zeros(1, 1, height * width, dtype=torch.float64)
        s[..., rows] = 1
        super().__init__(shape, (channels, len(rows)), s)
        self.unitary = len(rows) == height * width
        self.constant("rows", rows)

    @abstractmethod
    def v(self, z: Tensor) -> Tensor: ...

    @abstractmethod
    def vt(self, x: Tensor) -> Tensor: ...

    def u(self, z: Tensor) -> Tensor:
        return z.gather(2, self.rows.expand(*z.shape[:2], -1))  # twice as fast as index_select

    def ut(self, y: Tensor) -> Tensor:
        zero = y.new_zeros(*y.shape[:2], self.s.shape[2])
        return zero.index_copy_(2, self.rows, y)

    def _forward(self, x: Tensor) -> Tensor:
        return self.u(self.vt(x))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.v(self.ut(y))

    _pinv = _adjoint

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        rest = y - self._forward(x)
        return self._adjoint(rest * (1 / (1 + column(lam, rest)))).add_(x)


def measurements(name: str, ratio: float, n: int) -> int:
    """How many measurements a ratio gives: round(ratio * n), at least 1.

    Raises:
        ValueError: naming the operator, unless 0 < ratio <= 1.
    """
    if not 0 < ratio <= 1:
        raise ValueError(f"{name}: ratio must be in (0, 1], got {ratio}")
    return max(1, round(ratio * n))


class DCT(SampledTransform):
    """Keeps some of an image's cosine coefficients.

    `y = R T x` per channel: (C, H, W) -> (C, m), `m = round(ratio * H * W)`, at least 1; `A A^T =
    I`. T is the orthonormal two-dimensional DCT-II (`scipy.fft.dctn(norm="ortho")`), as two matrix
    products (for images faster than by FFT); R keeps round(low * m) coefficients of the lowest
    radial frequency `(k/H)^2 + (l/W)^2` and draws the others, without replacement, from `seed`: low
    = 1 is a low-pass, low = 0 purely random. The same coefficients, in row-major order, are kept in
    every channel.

    Raises:
        ValueError: unless 0 < ratio <= 1 and 0 <= low <= 1.

    Reference: Ahmed, Natarajan and Rao, 1974, doi:10.1109/T-C.1974.223784 (the transform).
    """

    left: Tensor
    right: Tensor

    def __init__(
        self, image_shape: Sequence[int], ratio: float = 0.25, low: float = 0.5, seed: int = 0
    ) -> None:
        shape = as_shape("DCT", "image_shape", image_shape, rank=3)
        if not 0 <= low <= 1:
            raise ValueError(f"DCT: low is a fraction of what is kept, in [0, 1], got {low}")
        m = measurements("DCT", ratio, shape[1] * shape[2])
        super().__init__(shape, _rows(shape, m, round(low * m), seed))
        self.constant("left", transform(shape[1]))
        self.constant("right", transform(shape[2]))

    def v(self, z: Tensor) -> Tensor:
        x = z.unflatten(2, self.in_shape[1:])
        return torch.matmul(torch.matmul(self.left.mT, x), self.right)

    def vt(self, x: Tensor) -> Tensor:
        return torch.matmul(torch.matmul(self.left, x), self.right.mT).flatten(2)


def _rows(shape: Sequence[int], m: int, lowest: int, seed: int) -> Tensor:
    k, j = (torch.arange(n, dtype=torch.float64) / n for n in shape[1:])
    order = (k[:, None] ** 2 + j**2).flatten().sort(stable=True).indices
    rest = order[lowest:]
    drawn = torch.randperm(len(rest), generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[:lowest], rest[drawn[: m - lowest]]]).sort().values


def dct(image_shape: Sequence[int], ratio: float = 0.25, low: float = 0.5, seed: int = 0) -> DCT:
    """Compressed sensing by cosine coefficients: the lowest frequencies and random others."""
    return DCT(image_shape, ratio, low, seed)
