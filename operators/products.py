"""Operators made of one or two others: A B, Aᵀ and c A."""

from __future__ import annotations

from torch import Tensor

from operators.base import Operator, Shape, adopt
from operators.linear import LinearOperator


def chained(outer: Operator, inner: Operator) -> tuple[Shape, Shape]:
    if outer.in_shape != inner.out_shape:
        raise ValueError(
            f"{outer!r} @ {inner!r}: the right one's output {inner.out_shape} is not the left "
            f"one's input {outer.in_shape}"
        )
    return inner.in_shape, outer.out_shape


class Chain(Operator):
    """x ↦ A(B(x)) where one of the two is nonlinear."""

    outer: Operator
    inner: Operator

    def __init__(self, outer: Operator, inner: Operator) -> None:
        super().__init__(*chained(outer, inner))
        adopt(self, outer=outer, inner=inner)

    def _forward(self, x: Tensor) -> Tensor:
        return self.outer._forward(self.inner._forward(x))

    def _vjp(self, x: Tensor, v: Tensor) -> Tensor:
        return self.inner._vjp(x, self.outer._vjp(self.inner._forward(x), v))

    def support(self, y: Tensor) -> Tensor:
        return self.outer.support(y)

    def picture(self, y: Tensor) -> Tensor:
        return self.outer.picture(y)

    @property
    def measured(self) -> int | Tensor:
        return self.outer.measured


class Composed(LinearOperator):
    """A B. Its pseudo-inverse is not B⁺ A⁺ in general, so it is solved for (CG)."""

    outer: LinearOperator
    inner: LinearOperator

    def __init__(self, outer: LinearOperator, inner: LinearOperator) -> None:
        super().__init__(*chained(outer, inner))
        adopt(self, outer=outer, inner=inner)

    def _forward(self, x: Tensor) -> Tensor:
        return self.outer._forward(self.inner._forward(x))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner._adjoint(self.outer._adjoint(y))

    def _gram(self, x: Tensor) -> Tensor:
        return self.inner._adjoint(self.outer._gram(self.inner._forward(x)))

    def support(self, y: Tensor) -> Tensor:
        return self.outer.support(y)

    @property
    def measured(self) -> int | Tensor:
        return self.outer.measured


class Adjoint(LinearOperator):
    """Aᵀ."""

    inner: LinearOperator

    def __init__(self, inner: LinearOperator) -> None:
        super().__init__(inner.out_shape, inner.in_shape)
        adopt(self, inner=inner)

    def _forward(self, x: Tensor) -> Tensor:
        return self.inner._adjoint(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner._forward(y)

    def _norm(self) -> float:
        return self.inner._norm()


class Scaled(LinearOperator):
    """c A for a real number c."""

    inner: LinearOperator

    def __init__(self, inner: LinearOperator, factor: float) -> None:
        super().__init__(inner.in_shape, inner.out_shape)
        adopt(self, inner=inner)
        self.factor = factor

    def _forward(self, x: Tensor) -> Tensor:
        return self.inner._forward(x) * self.factor

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner._adjoint(y) * self.factor

    def _norm(self) -> float:
        return abs(self.factor) * self.inner._norm()

    def support(self, y: Tensor) -> Tensor:
        return self.inner.support(y)

    @property
    def measured(self) -> int | Tensor:
        return self.inner.measured
