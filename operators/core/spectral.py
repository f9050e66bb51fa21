"""Operators whose singular value decomposition is at hand: every solve is a closed form."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.linear import LinearOperator
from operators.core.operator import Operator, Wrapped, adopt, chained
from operators.solve import column


class SpectralOperator(LinearOperator):
    """A linear operator with a fast singular value decomposition, so that every solve is closed.

    `A = U diag(s) V^T` with s >= 0 and fast `u`, `ut`, `v`, `vt`: `vt` maps `(B, *in_shape)` to
    coefficients `(B, ...)`, `v` back; `ut` maps `(B, *out_shape)` to coefficients, `u` back; s
    broadcasts against coefficients and has a leading axis of 1 (or of B, one spectrum per sample).
    What the formulas need, and the tests hold, is `A = u(s * vt(x))`, `A^T = v(s * ut(y))`,
    `vt(v(z)) = z` and `ut(u(z)) = z` wherever s != 0. Coefficients may be complex (half of a real
    FFT), so their norm need not be the image's: draw noise in image space and transform it. Where A
    has a null space there are two ways: with `v_complete`, `v(vt(x)) = x`, with zeros in s;
    otherwise V is thin, `v(vt(x))` is the projection onto the row space, and `x - v(vt(x))` the
    null part. `u_complete` says the same of `u(ut(y))`. A subclass may replace a formula by a
    faster equal one; the tests hold it to the dense SVD.

    Reference: Kawar et al., 2022, arXiv:2201.11793 (DDRM), for the use made of it.
    """

    closed_form = True
    unitary = False  # A A^T = A^T A = I
    pointwise = False  # u and v only move single values or turn their signs
    s: Tensor
    s2: Tensor
    s_inv: Tensor

    def __init__(
        self,
        in_shape: Sequence[int],
        out_shape: Sequence[int],
        s: Tensor,
        *,
        v_complete: bool = True,
        u_complete: bool = True,
        per_sample: bool = False,
    ) -> None:
        super().__init__(in_shape, out_shape)
        self.v_complete, self.u_complete = v_complete, u_complete
        self.constant("s", s, per_sample)
        self._derive()

    @abstractmethod
    def u(self, z: Tensor, /) -> Tensor: ...

    @abstractmethod
    def ut(self, y: Tensor, /) -> Tensor: ...

    @abstractmethod
    def v(self, z: Tensor, /) -> Tensor: ...

    @abstractmethod
    def vt(self, x: Tensor, /) -> Tensor: ...

    def _after(self, inner: Operator) -> Operator:
        if isinstance(inner, SpectralOperator) and (self.unitary or inner.unitary):
            chained(self, inner)
            return Rotated(self, inner)
        return super()._after(inner)

    def _times(self, factor: float) -> LinearOperator:
        return ScaledSpectral(self, factor) if factor else super()._times(factor)

    @property
    def T(self) -> LinearOperator:  # noqa: N802
        return AdjointSpectral(self)

    @property
    def spectrum(self) -> Tensor:
        """The singular values as they were given, in float64 on the CPU."""
        return self.exact("s")

    def _derive(self) -> None:
        s = self.spectrum
        cut = torch.finfo(self.anchor.dtype).eps ** 0.5 * s.flatten(1).amax(1)
        s_inv = torch.where(s > column(cut, s), 1 / s, 0.0)
        self.s2, self.s_inv = (s**2).to(self.s), s_inv.to(self.s)

    def _refresh(self) -> None:
        super()._refresh()
        self._derive()

    def _take(self, rows: slice | Tensor) -> None:
        if self._constants["s"][1]:
            self.s2, self.s_inv = self.s2[rows], self.s_inv[rows]
        super()._take(rows)

    def _forward(self, x: Tensor, /) -> Tensor:
        return self.u(self.s * self.vt(x))

    def _adjoint(self, y: Tensor, /) -> Tensor:
        return self.v(self.s * self.ut(y))

    def _gram(self, x: Tensor, /) -> Tensor:
        return self.v(self.s2 * self.vt(x))

    def _plus_v(self, x: Tensor, z: Tensor, /) -> Tensor:
        """x + v(z), a new tensor; for a subclass that saves a pass over the image by it."""
        return x + self.v(z)

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        z = self.vt(b)
        size = column(lam, z)
        if self.v_complete:
            return self.v(z * (1 / (self.s2 + size)))
        # The null part is projected twice: what rounding leaves of the row space in it would
        # otherwise be divided by a small lam.
        null = self._plus_v(b, -z)
        row = z * (size / (self.s2 + size)) - self.vt(null)
        return self._plus_v(null, row).div_(column(lam, b))

    def _pinv(self, y: Tensor, /) -> Tensor:
        return self.v(self.s_inv * self.ut(y))

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        z = self.vt(x)
        if not isinstance(lam, Tensor) and lam == 0:
            weight = self.s_inv
        else:
            weight = self.s / (self.s2 + column(lam, z))
        return self._plus_v(x, weight * (self.ut(y) - self.s * z))

    def _norm(self) -> float:
        return float(self.spectrum.max()) if self.spectrum.numel() else 0.0


class AdjointSpectral(SpectralOperator):
    """The adjoint of a spectral operator, `A^T = V diag(s) U^T`."""

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
        self.unitary, self.pointwise = inner.unitary, inner.pointwise

    @property
    def T(self) -> LinearOperator:  # noqa: N802
        return self.inner

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

    def _behind(self, outer: LinearOperator) -> LinearOperator | None:
        made = self.inner._fused(outer.T)  # B A^T = (A B^T)^T
        return None if made is None else made.T


class ScaledSpectral(Wrapped, SpectralOperator):
    """A spectral operator times a number, `c A = (sign(c) U) diag(|c| s) V^T` for c != 0.

    A's own solves serve it, too.
    """

    inner: SpectralOperator
    outermost = "inner"

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
        self.pointwise = inner.pointwise
        self.factor, self._sign = factor, -1.0 if factor < 0 else 1.0

    def _unscaled(self) -> tuple[LinearOperator, float]:
        inner, factor = self.inner._unscaled()
        return inner, factor * self.factor

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


class Rotated(Wrapped, SpectralOperator):
    """A composition `A B` where A or B is unitary: the singular values are the other one's."""

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
        self.pointwise = outer.pointwise and inner.pointwise
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
