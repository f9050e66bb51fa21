"""Operators whose singular value decomposition is at hand: every solve is a closed form."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.linear import LinearOperator
from operators.solve import column


class SpectralOperator(LinearOperator):
    """A = U diag(s) Vᵀ with s >= 0 and fast `u`, `ut`, `v`, `vt`.

    `vt`: (B, *in_shape) -> coefficients (B, …), `v` back; `ut`: (B, *out_shape) ->
    coefficients, `u` back; s broadcasts against coefficients and has a leading axis of 1 (or of
    B, one spectrum per sample). What the formulas need, and the tests hold, is:
    A = u(s · vt(x)), Aᵀ = v(s · ut(y)), vt(v(z)) = z and ut(u(z)) = z wherever s ≠ 0.
    Coefficients may be complex (half of a real FFT), so their norm need not be the image's:
    draw noise in image space and transform it. Where A has a null space there are two ways:
    `v_complete`: v(vt(x)) = x, with zeros in s; otherwise V is thin, v(vt(x)) is the projection
    onto the row space, and x − v(vt(x)) the null part. `u_complete` says the same of u(ut(y)).
    A subclass may replace a formula by a faster equal one; the tests hold it to the dense SVD.

    Reference: Kawar et al., 2022, arXiv:2201.11793 (DDRM), for the use made of it.
    """

    closed_form = True
    unitary = False  # A Aᵀ = Aᵀ A = I
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
