"""Compressed sensing by some coefficients of an orthonormal transform."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

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
