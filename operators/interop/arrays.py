"""Flat NumPy arrays: the scipy LinearOperator of one of ours, and ours of one of scipy's."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator as ScipyOperator
from scipy.sparse.linalg import aslinearoperator
from torch import Tensor

from operators.core.linear import LinearOperator
from operators.core.operator import Shape

Map = Callable[[Tensor], Tensor]


class FlatOperator(ScipyOperator):
    """Ours as scipy's operator: a column is a sample, or all the batch of a per-sample operator."""

    def __init__(self, operator: LinearOperator) -> None:
        samples = 1 if operator.batch is None else operator.batch
        m, n = (samples * math.prod(shape) for shape in (operator.out_shape, operator.in_shape))
        super().__init__(np.dtype(str(operator.anchor.dtype).removeprefix("torch.")), (m, n))
        self.operator = operator

    def _matmat(self, x: np.ndarray) -> np.ndarray:
        return self._columns(self.operator, self.operator.in_shape, x)

    def _rmatmat(self, y: np.ndarray) -> np.ndarray:
        return self._columns(self.operator.adjoint, self.operator.out_shape, y)

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        return self._matmat(x.reshape(-1, 1))

    def _rmatvec(self, y: np.ndarray) -> np.ndarray:
        return self._rmatmat(y.reshape(-1, 1))

    @torch.no_grad()
    def _columns(self, apply: Map, shape: Shape, columns: np.ndarray) -> np.ndarray:
        if np.iscomplexobj(columns):
            raise TypeError(f"as_scipy of {self.operator!r}: the array must be real, is complex")
        rows = torch.tensor(np.ascontiguousarray(columns.T)).to(self.operator.anchor)
        if self.operator.batch is None:
            out = apply(rows.reshape(-1, *shape)).flatten(1)
        else:
            whole = (apply(row.reshape(-1, *shape)).flatten() for row in rows)
            out = torch.stack(list(whole))
        return out.cpu().numpy().T


class FromFlat(LinearOperator):
    """A linear operator of scipy as ours: samples are columns."""

    def __init__(self, linear: Any, in_shape: Sequence[int], out_shape: Sequence[int]) -> None:
        super().__init__(in_shape, out_shape)
        self.linear = aslinearoperator(linear)
        fits = (math.prod(self.out_shape), math.prod(self.in_shape))
        if tuple(self.linear.shape) != fits or np.issubdtype(self.linear.dtype, np.complexfloating):
            raise ValueError(
                f"{self!r}: the operator must be real and {fits}, got {self.linear.dtype} "
                f"{tuple(self.linear.shape)}"
            )

    def _forward(self, x: Tensor) -> Tensor:
        return _Outside.apply(x, self._ahead, self._back)  # pyright: ignore

    def _adjoint(self, y: Tensor) -> Tensor:
        return _Outside.apply(y, self._back, self._ahead)  # pyright: ignore

    def _ahead(self, x: Tensor) -> Tensor:
        return _rows(self.linear.matmat, x, self.out_shape)

    def _back(self, y: Tensor) -> Tensor:
        return _rows(self.linear.rmatmat, y, self.in_shape)


def _rows(product: Callable, x: Tensor, shape: Shape) -> Tensor:
    if not len(x):
        return x.new_zeros(0, *shape)
    columns = product(x.detach().flatten(1).cpu().numpy().T)
    return torch.tensor(np.ascontiguousarray(columns.T)).to(x).view(-1, *shape)


class _Outside(torch.autograd.Function):
    """A linear `A x` that torch cannot see into; the gradient is `A^T`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ahead: Map, back: Map) -> Tensor:
        ctx.ahead, ctx.back = ahead, back
        return ahead(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return _Outside.apply(grad, ctx.back, ctx.ahead), None, None  # pyright: ignore
