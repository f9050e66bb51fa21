"""Linear forward models: the adjoint, the algebra and the solves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.operator import Operator, Wrapped, adopt, agreed, chained
from operators.core.random import Rng
from operators.solve import conjugate as solve
from operators.solve import gradients


class LinearOperator(Operator):
    """A linear forward model: adds the adjoint, the algebra and the solves to `Operator`.

    `y = A x`. Everything reduces to `_forward`; subclasses replace a default by a closed form and
    then say `closed_form = True`. `lam` is a positive float or one value per sample, (B,).
    """

    closed_form = False

    # --- what a subclass may write ----------------------------------------------------------
    def _adjoint(self, y: Tensor, /) -> Tensor:
        zero = y.new_zeros((y.shape[0], *self.in_shape))
        return Operator._vjp(self, zero, y)

    def _vjp(self, x: Tensor, v: Tensor) -> Tensor:
        return self._adjoint(v)

    def _jvp(self, x: Tensor, v: Tensor) -> Tensor:
        return self._forward(v)

    def _gram(self, x: Tensor, /) -> Tensor:
        return self._adjoint(self._forward(x))

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        return self._iterate(b, lam, None)

    def _pinv(self, y: Tensor, /) -> Tensor:
        return gradients.least_squares(self._forward, self._adjoint, y, name=repr(self))

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        rest = y - self._forward(x)
        if not isinstance(lam, Tensor) and lam == 0:
            return x + self._pinv(rest)
        return x + self._gram_solve(self._adjoint(rest), lam)

    def _norm(self) -> float:
        generator = torch.Generator().manual_seed(0)
        start = torch.randn(self.batch or 1, *self.in_shape, generator=generator)
        return float(solve.largest_eigenvalue(self._gram, start.to(self.anchor)).max().sqrt())

    def _iterate(self, b: Tensor, lam: float | Tensor, tol: float | None) -> Tensor:
        lam = solve.column(lam, b)
        return gradients.solve(lambda x: self._gram(x) + lam * x, b, repr(self), tol)

    def _near(self, x: Tensor, y: Tensor, lam: float | Tensor, tol: float | None) -> Tensor:
        """`_prox`, by no more products than `tol` asks for."""
        exact = tol is None or self.closed_form or (not isinstance(lam, Tensor) and lam == 0)
        if exact:
            return self._prox(x, y, lam)
        return x + self._iterate(self._adjoint(y - self._forward(x)), lam, tol)

    # --- public -----------------------------------------------------------------------------
    def adjoint(self, y: Tensor) -> Tensor:
        """Apply the adjoint, `A^T y`: `(B, *out_shape) -> (B, *in_shape)`.

        `<A x, y> = <x, A^T y>` exactly.
        """
        self._check("y", y, self.out_shape)
        return self._adjoint(y)

    def gram(self, x: Tensor) -> Tensor:
        """Apply the Gram operator, `A^T A x`: `(B, *in_shape) -> (B, *in_shape)`."""
        self._check("x", x, self.in_shape)
        return self._gram(x)

    def gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        """Solve the regularised normal equations: `(A^T A + lam I)^-1 b` for lam > 0.

        `(B, *in_shape) -> (B, *in_shape)`. Closed form where `closed_form`, else CG to a relative
        residual of 1e-6 (float64: 1e-12). Differentiable in b.

        Raises:
            ValueError: for a float lam <= 0 (lam = 0 is `pinv`).
        """
        self._check("b", b, self.in_shape)
        return self._gram_solve(b, self._per_sample("lam", lam, b, positive=True))

    def pinv(self, y: Tensor) -> Tensor:
        """Apply the pseudo-inverse, `A^+ y`: `(B, *out_shape) -> (B, *in_shape)`.

        Of all x of least `||A x - y||` it is the one of least norm. Singular values below
        `sqrt(eps) max s` count as zero: there what is cut off equals what rounding would have
        amplified. By CG (to its tolerance) without a closed form.
        """
        self._check("y", y, self.out_shape)
        return self._pinv(y)

    def prox(self, x: Tensor, y: Tensor, lam: float | Tensor, tol: float | None = None) -> Tensor:
        """The proximal map of the data term: `argmin_z ||A z - y||^2 + lam ||z - x||^2`.

        It is `x + (A^T A + lam I)^-1 A^T (y - A x)`. `lam = sigma_y^2 / r^2` gives the posterior
        mean under the prior `N(x, r^2 I)`. The float lam = 0 is the limit, the projection `x + A^+
        (y - A x)`; per-sample lam must be positive.

        Where it is solved for by CG, `tol` is the residual, relative to `A^T (y - A x)`, at which
        to stop, by default as for `gram_solve`; closed forms and lam = 0 are as exact as ever.
        """
        self._check("x", x, self.in_shape)
        self._check("y", y, self.out_shape, x.shape[0])
        return self._near(x, y, self._per_sample("lam", lam, x), tol)

    def posterior_sample(
        self,
        mean: Tensor,
        y: Tensor,
        sigma: float | Tensor,
        r2: float | Tensor,
        rng: Rng,
        tol: float | None = None,
    ) -> Tensor:
        """One exact draw per sample of x given y, for `x ~ N(mean, r^2 I)` and `y = A x + sigma n`.

        Perturb and solve: `prox(mean + r n1, y + sigma n2, sigma^2 / r^2)`. sigma is the standard
        deviation of the noise, r2 the variance of the prior; each a float or one per sample, (B,).
        The float sigma = 0 is the conditional draw, with `A x = y` (to rounding, for closed forms);
        per-sample `sigma^2 / r^2` is kept at eps or more, so that a 0 among them comes close to
        that. `tol` as for `prox`.

        Reference: Orieux, Féron and Giovannelli, 2012, doi:10.1109/LSP.2012.2189104.
        """
        self._check("mean", mean, self.in_shape)
        self._check("y", y, self.out_shape, mean.shape[0])
        if rng.device.type != mean.device.type:
            raise ValueError(f"{self!r}: rng is on {rng.device}, the data on {mean.device}")
        sigma = self._per_sample("sigma", sigma, mean)
        r2 = self._per_sample("r2", r2, mean)
        if not isinstance(r2, Tensor) and r2 == 0:
            return mean.clone()
        r = solve.column(r2**0.5, mean)
        x = mean + r * rng.normal(mean.shape, mean.dtype)
        if not isinstance(sigma, Tensor) and sigma == 0:
            return self._prox(x, y, 0.0)
        lam = sigma**2 / r2
        if isinstance(lam, Tensor):
            lam = lam.clamp_min(torch.finfo(mean.dtype).eps)
        y = y + solve.column(sigma, y) * rng.normal(y.shape, y.dtype)
        return self._near(x, y, lam, tol)

    def norm(self) -> float:
        """Largest singular value (over the batch); closed form, or 60 Lanczos steps from below."""
        return self._norm()

    def picture(self, y: Tensor) -> Tensor:
        """y to look at, (B, c, h, w): itself where it is an image, else back-projected, `A^+ y`."""
        return y if y.ndim == 4 and y.shape[1] in (1, 3) else self.pinv(y)

    def describe(self) -> str:
        way = "closed form" if self.closed_form else "conjugate gradients"
        return f"{self!r}: linear, solves by {way}"

    # --- algebra ----------------------------------------------------------------------------
    def _after(self, inner: Operator) -> Operator:
        if not isinstance(inner, LinearOperator):
            return super()._after(inner)
        chained(self, inner)
        agreed("composition", self, inner)
        (left, c), (right, d) = self._unscaled(), inner._unscaled()
        made = left._fused(right)
        if made is None:
            made = right._behind(left)
        if made is None:
            return Composed(self, inner)
        made = made.to(left.anchor)
        return made if c * d == 1 else made * (c * d)

    def _fused(self, inner: LinearOperator) -> LinearOperator | None:
        """A B in closed form, where this class knows one; shapes are known to fit."""
        return None

    def _behind(self, outer: LinearOperator) -> LinearOperator | None:
        """B A in closed form, for an outer B, where this class knows one; shapes fit."""
        return None

    def _unscaled(self) -> tuple[LinearOperator, float]:
        """This operator as a multiple of another one."""
        return self, 1.0

    @property
    def T(self) -> LinearOperator:  # noqa: N802
        """The adjoint `A^T` as an operator."""
        return Adjoint(self)

    def __add__(self, other: LinearOperator) -> LinearOperator:
        if not isinstance(other, LinearOperator):
            raise TypeError(f"{self!r} + {other!r}: both must be linear operators")
        return Sum(self, other)

    def __mul__(self, factor: float) -> LinearOperator:
        if isinstance(factor, Tensor) or not hasattr(factor, "__float__"):
            raise TypeError(f"{self!r} * {factor!r}: the factor must be a number; apply A as A(x)")
        factor = float(factor)
        if not math.isfinite(factor):
            raise ValueError(f"{self!r} * {factor}: the factor must be finite")
        return self._times(factor)

    def _times(self, factor: float) -> LinearOperator:
        return Scaled(self, factor)

    __rmul__ = __mul__

    def __neg__(self) -> LinearOperator:
        return self * -1.0

    def __sub__(self, other: LinearOperator) -> LinearOperator:
        return self + other * -1.0

    def _per_sample(
        self, what: str, value: float | Tensor, like: Tensor, positive: bool = False
    ) -> float | Tensor:
        if isinstance(value, Tensor):
            if value.ndim == 0 or value.shape == like.shape[:1]:
                return value.to(like)
            raise ValueError(
                f"{self!r}: {what} must be a number or ({like.shape[0]},) one per sample, "
                f"got {tuple(value.shape)}"
            )
        value = float(value)
        if not (value > 0 if positive else value >= 0):
            bound = "> 0 (for 0 use pinv)" if positive else ">= 0"
            raise ValueError(f"{self!r}: {what} must be {bound}, got {value}")
        return value


class Composed(Wrapped, LinearOperator):
    """One linear operator after another, `A B`.

    Its pseudo-inverse is not `B^+ A^+` in general, so it is solved for (CG).
    """

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


class Adjoint(LinearOperator):
    """The adjoint of a linear operator, `A^T`."""

    inner: LinearOperator

    def __init__(self, inner: LinearOperator) -> None:
        super().__init__(inner.out_shape, inner.in_shape)
        adopt(self, inner=inner)

    @property
    def T(self) -> LinearOperator:  # noqa: N802
        return self.inner

    def _forward(self, x: Tensor) -> Tensor:
        return self.inner._adjoint(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner._forward(y)

    def _norm(self) -> float:
        return self.inner._norm()


class Scaled(Wrapped, LinearOperator):
    """A linear operator times a real number, `c A`."""

    inner: LinearOperator
    outermost = "inner"

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


class Sum(LinearOperator):
    """A sum of linear operators, `A + B + ...`; every entry of y counts as a measurement."""

    def __init__(self, *parts: LinearOperator) -> None:
        shapes = {(part.in_shape, part.out_shape) for part in parts}
        if len(shapes) != 1:
            raise ValueError(f"{' + '.join(map(repr, parts))}: the shapes must agree")
        super().__init__(parts[0].in_shape, parts[0].out_shape)
        adopt(self, **{f"part{i}": part for i, part in enumerate(parts)})

    @property
    def parts(self) -> list[LinearOperator]:
        return list(self.children())  # pyright: ignore[reportReturnType]

    def _forward(self, x: Tensor) -> Tensor:
        return sum_of([part._forward(x) for part in self.parts])

    def _adjoint(self, y: Tensor) -> Tensor:
        return sum_of([part._adjoint(y) for part in self.parts])


class Stacked(LinearOperator):
    """Several measurements of one image, `[A; B; ...]`, flattened and joined.

    out_shape is (m1 + m2 + ...,); `split(y)` gives them back, each in its own shape.
    """

    def __init__(self, *parts: LinearOperator) -> None:
        if len({part.in_shape for part in parts}) != 1:
            raise ValueError(f"stack of {', '.join(map(repr, parts))}: the inputs must agree")
        self._sizes = [math.prod(part.out_shape) for part in parts]
        super().__init__(parts[0].in_shape, (sum(self._sizes),))
        adopt(self, **{f"part{i}": part for i, part in enumerate(parts)})

    @property
    def parts(self) -> list[LinearOperator]:
        return list(self.children())  # pyright: ignore[reportReturnType]

    def split(self, y: Tensor) -> list[Tensor]:
        """The measurements of the parts: (B, m) -> `[(B, *part.out_shape), ...]`."""
        pieces = y.split(self._sizes, 1)
        shapes = [part.out_shape for part in self.parts]
        return [piece.unflatten(1, shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def _forward(self, x: Tensor) -> Tensor:
        return torch.cat([part._forward(x).flatten(1) for part in self.parts], 1)

    def _adjoint(self, y: Tensor) -> Tensor:
        pairs = zip(self.parts, self.split(y), strict=True)
        return sum_of([part._adjoint(piece) for part, piece in pairs])

    def _gram(self, x: Tensor) -> Tensor:
        return sum_of([part._gram(x) for part in self.parts])

    def support(self, y: Tensor) -> Tensor:
        pairs = zip(self.parts, self.split(y), strict=True)
        return torch.cat([part.support(piece).flatten(1) for part, piece in pairs], 1)

    @property
    def measured(self) -> int | Tensor:
        return sum(part.measured for part in self.parts)


def sum_of(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def stack(operators: Sequence[LinearOperator]) -> LinearOperator:
    """Several measurements of one image, `[A; B; ...]`, by linear operators.

    Raises:
        ValueError: for an empty list.
        TypeError: for an operator that is not linear.
    """
    if not operators:
        raise ValueError("stack: at least one operator is needed")
    for part in operators:
        if not isinstance(part, LinearOperator):
            raise TypeError(f"stack: {part!r} must be a linear operator")
    return Stacked(*operators)
