"""The combinations that keep a closed form: transposes, multiples, products with a unitary."""

from __future__ import annotations

from torch import Tensor

from operators.base import adopt
from operators.spectral import SpectralOperator


class AdjointSpectral(SpectralOperator):
    """Aᵀ = V diag(s) Uᵀ of a spectral A."""

    inner: SpectralOperator

    def __init__(self, inner: SpectralOperator) -> None:
        super().__init__(
            inner.out_shape,
            inner.in_shape,
            inner.spectrum,
            v_complete=inner.u_complete,
            u_complete=inner.v_complete,
            per_sample=inner.batch is not None,
        )
        adopt(self, inner=inner)
        self.unitary = inner.unitary

    def u(self, z: Tensor) -> Tensor:
        return self.inner.v(z)

    def ut(self, y: Tensor) -> Tensor:
        return self.inner.vt(y)

    def v(self, z: Tensor) -> Tensor:
        return self.inner.u(z)

    def vt(self, x: Tensor) -> Tensor:
        return self.inner.ut(x)

    def _forward(self, x: Tensor) -> Tensor:
        return self.inner._adjoint(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner._forward(y)


class ScaledSpectral(SpectralOperator):
    """c A = (sign(c) U) diag(|c| s) Vᵀ of a spectral A, c ≠ 0; A's own solves serve it, too."""

    inner: SpectralOperator

    def __init__(self, inner: SpectralOperator, factor: float) -> None:
        super().__init__(
            inner.in_shape,
            inner.out_shape,
            inner.spectrum * abs(factor),
            v_complete=inner.v_complete,
            u_complete=inner.u_complete,
            per_sample=inner.batch is not None,
        )
        adopt(self, inner=inner)
        self.factor, self._sign = factor, -1.0 if factor < 0 else 1.0

    def u(self, z: Tensor) -> Tensor:
        return self.inner.u(z) * self._sign

    def ut(self, y: Tensor) -> Tensor:
        return self.inner.ut(y) * self._sign

    def v(self, z: Tensor) -> Tensor:
        return self.inner.v(z)

    def vt(self, x: Tensor) -> Tensor:
        return self.inner.vt(x)

    def _forward(self, x: Tensor) -> Tensor:
        return self.inner._forward(x) * self.factor

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner._adjoint(y) * self.factor

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        return self.inner._gram_solve(b, lam / self.factor**2) / self.factor**2

    def _pinv(self, y: Tensor) -> Tensor:
        return self.inner._pinv(y) / self.factor

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        return self.inner._prox(x, y / self.factor, lam / self.factor**2)

    def support(self, y: Tensor) -> Tensor:
        return self.inner.support(y)

    @property
    def measured(self) -> int | Tensor:
        return self.inner.measured


class Rotated(SpectralOperator):
    """A B where A or B is unitary: the singular values are the other one's."""

    outer: SpectralOperator
    inner: SpectralOperator

    def __init__(self, outer: SpectralOperator, inner: SpectralOperator) -> None:
        core = inner if outer.unitary else outer
        super().__init__(
            inner.in_shape,
            outer.out_shape,
            core.spectrum,
            v_complete=core.v_complete,
            u_complete=core.u_complete,
            per_sample=core.batch is not None,
        )
        adopt(self, outer=outer, inner=inner)
        self.unitary = outer.unitary and inner.unitary
        self._left = outer.unitary

    def u(self, z: Tensor) -> Tensor:
        return self.outer._forward(self.inner.u(z)) if self._left else self.outer.u(z)

    def ut(self, y: Tensor) -> Tensor:
        return self.inner.ut(self.outer._adjoint(y)) if self._left else self.outer.ut(y)

    def v(self, z: Tensor) -> Tensor:
        return self.inner.v(z) if self._left else self.inner._adjoint(self.outer.v(z))

    def vt(self, x: Tensor) -> Tensor:
        return self.inner.vt(x) if self._left else self.outer.vt(self.inner._forward(x))

    def _forward(self, x: Tensor) -> Tensor:
        return self.outer._forward(self.inner._forward(x))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner._adjoint(self.outer._adjoint(y))

    def support(self, y: Tensor) -> Tensor:
        return self.outer.support(y)

    @property
    def measured(self) -> int | Tensor:
        return self.outer.measured
