"""Operators that are one matrix, decomposed once."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.spectral import SpectralOperator


class MatrixOperator(SpectralOperator):
    """Applies one matrix to all the vectors that an image is cut into.

    `y = M parts(x)`, with M (m, n) and vectors of length n. A subclass writes `_cut`:
    `(B, *in_shape) -> (B, ..., n)`, and `_join`, its inverse; the last axis of out_shape is m. The
    thin singular value decomposition is done here, in float64.
    """

    matrix: Tensor
    left: Tensor
    right: Tensor

    def __init__(self, in_shape: Sequence[int], out_shape: Sequence[int], matrix: Tensor) -> None:
        m, n = matrix.shape
        left, s, right = torch.linalg.svd(matrix, full_matrices=False)
        s = s.view(*[1] * len(out_shape), -1)
        super().__init__(in_shape, out_shape, s, v_complete=m >= n, u_complete=m <= n)
        self.constant("matrix", matrix)
        self.constant("left", left.contiguous())
        self.constant("right", right.contiguous())

    @abstractmethod
    def _cut(self, x: Tensor, /) -> Tensor: ...

    @abstractmethod
    def _join(self, parts: Tensor, /) -> Tensor: ...

    def u(self, z: Tensor) -> Tensor:
        return z @ self.left.mT

    def ut(self, y: Tensor) -> Tensor:
        return y @ self.left

    def v(self, z: Tensor) -> Tensor:
        return self._join(z @ self.right)

    def vt(self, x: Tensor) -> Tensor:
        return self._cut(x) @ self.right.mT

    def _forward(self, x: Tensor) -> Tensor:
        return self._cut(x) @ self.matrix.mT

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._join(y @ self.matrix)
