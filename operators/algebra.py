"""The algebra, A @ B, A.T, c * A, A + B, stack([A, B]): which class stands for which result."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from operators import closed, fused
from operators.base import Operator
from operators.linear import LinearOperator
from operators.products import Adjoint, Chain, Composed, Scaled, chained
from operators.spectral import SpectralOperator
from operators.sums import Stacked, Sum


def compose(outer: Operator, inner: Operator) -> Operator:
    """A @ B, in closed form where one factor is unitary or `fused.fuse` knows one."""
    if not isinstance(outer, Operator) or not isinstance(inner, Operator):
        raise TypeError(f"{outer!r} @ {inner!r}: both must be operators; apply one as A(x)")
    if not (isinstance(outer, LinearOperator) and isinstance(inner, LinearOperator)):
        return Chain(outer, inner)
    chained(outer, inner)
    if isinstance(outer, SpectralOperator) and isinstance(inner, SpectralOperator):
        if outer.unitary or inner.unitary:
            return closed.Rotated(outer, inner)
    return fused.fuse(outer, inner) or Composed(outer, inner)


def transpose(inner: LinearOperator) -> LinearOperator:
    """A.T, in closed form where A is spectral."""
    if isinstance(inner, (Adjoint, closed.AdjointSpectral)):
        return inner.inner
    if isinstance(inner, SpectralOperator):
        return closed.AdjointSpectral(inner)
    return Adjoint(inner)


def scale(inner: LinearOperator, factor: float) -> LinearOperator:
    """c * A, in closed form where A is spectral and c ≠ 0. Raises TypeError unless c is real."""
    if isinstance(factor, Tensor) or not hasattr(factor, "__float__"):
        raise TypeError(f"{inner!r} * {factor!r}: the factor must be a number; apply A as A(x)")
    factor = float(factor)
    if not math.isfinite(factor):
        raise ValueError(f"{inner!r} * {factor}: the factor must be finite")
    if isinstance(inner, SpectralOperator) and factor:
        return closed.ScaledSpectral(inner, factor)
    return Scaled(inner, factor)


def add(left: LinearOperator, right: LinearOperator) -> LinearOperator:
    """A + B."""
    if not (isinstance(left, LinearOperator) and isinstance(right, LinearOperator)):
        raise TypeError(f"{left!r} + {right!r}: both must be linear operators")
    return Sum(left, right)


def stack(operators: Sequence[LinearOperator]) -> LinearOperator:
    """[A; B; …]: several measurements of one image, by linear operators.

    Raises ValueError for an empty list, TypeError for an operator that is not linear.
    """
    if not operators:
        raise ValueError("stack: at least one operator is needed")
    for part in operators:
        if not isinstance(part, LinearOperator):
            raise TypeError(f"stack: {part!r} must be a linear operator")
    return Stacked(*operators)
