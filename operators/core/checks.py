"""Checks that any operator, also one of your own, should pass; for use in tests.

Each draws seeded inputs, raises AssertionError with the figures where the error exceeds `tol`
(float32: 1e-5, float64: 1e-10, unless the check says otherwise), and returns the error.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.linear import LinearOperator
from operators.core.operator import Operator
from operators.solve import column, dot


def dot_test(operator: LinearOperator, batch: int = 2, seed: int = 0, tol: float = 0.0) -> float:
    """The error of the adjoint, the worst of the batch.

    `|<A x, y> - <x, A^T y>| / (||A x|| ||y|| + ||x|| ||A^T y||)`.
    """
    x, y = _draws(operator, batch, seed)
    ax, aty = operator(x), operator.adjoint(y)
    scale = _norm(ax) * _norm(y) + _norm(x) * _norm(aty)
    return _judge(operator, "dot_test", (dot(ax, y) - dot(x, aty)).abs(), scale, tol)


def linear_test(operator: LinearOperator, batch: int = 2, seed: int = 0, tol: float = 0.0) -> float:
    """The error of `A(a x + b z) = a A x + b A z` against the terms' norms; also of A 0 = 0."""
    x, _ = _draws(operator, batch, seed)
    other, _ = _draws(operator, batch, seed + 1)
    a, b = 0.7, -1.3
    joint = operator(a * x + b * other)
    ax, aother = operator(x), operator(other)
    zero = _norm(operator(torch.zeros_like(x)))
    error = _norm(joint - a * ax - b * aother) + zero
    return _judge(operator, "linear_test", error, _norm(ax) + _norm(aother), tol)


def pinv_test(operator: LinearOperator, batch: int = 2, seed: int = 0, tol: float = 0.0) -> float:
    """The four Penrose conditions, the worst of them, relative to the norms compared.

    A A^+ A = A, A^+ A A^+ = A^+, and A A^+, A^+ A symmetric. tol: 5e-3 in float32, 1e-6 in float64
    by default, a few times sqrt(eps), below which singular values are cut off.
    """
    single = operator.anchor.dtype != torch.float64
    tol = tol or (5e-3 if single else 1e-6)
    x, y = _draws(operator, batch, seed)
    other_x, other_y = _draws(operator, batch, seed + 1)
    ax, piy = operator(x), operator.pinv(y)
    pax, apy = operator.pinv(ax), operator(piy)
    pao, apo = operator.pinv(operator(other_x)), operator(operator.pinv(other_y))
    rows = [
        (_norm(operator(pax) - ax), _norm(ax)),
        (_norm(operator.pinv(apy) - piy), _norm(piy)),
        ((dot(apy, other_y) - dot(y, apo)).abs(), _norm(y) * _norm(other_y)),
        ((dot(pax, other_x) - dot(x, pao)).abs(), _norm(x) * _norm(other_x)),
    ]
    return max(
        _judge(operator, f"pinv_test, condition {i}", *row, tol)
        for i, row in enumerate(rows, start=1)
    )


def gram_test(
    operator: LinearOperator,
    lams: Sequence[float] = (1e-4, 1e-2, 1.0, 1e4),
    batch: int = 2,
    seed: int = 0,
    tol: float = 0.0,
) -> float:
    """The errors of `gram_solve` and `prox`, for each lam and for one lam per sample.

    The backward errors `||(A^T A + lam) z - b|| / ((||A||^2 + lam) ||z|| + ||b||)` at `z =
    gram_solve(b, lam)`, and likewise of `A^T (A z - y) + lam (z - x) = 0` at `z = prox(x, y, lam)`.
    """
    b, y = _draws(operator, batch, seed)
    spread = torch.logspace(-3, 2, b.shape[0], dtype=b.dtype, device=b.device)
    worst = 0.0
    for lam in [*lams, spread]:
        size = column(lam, b)
        z = operator.gram_solve(b, lam)
        error = _norm(operator.gram(z) + size * z - b)
        scale = (operator.norm() ** 2 + lam) * _norm(z) + _norm(b)
        worst = max(worst, _judge(operator, f"gram_test, lam = {lam}", error, scale, tol))
        z = operator.prox(b, y, lam)
        error = _norm(operator.adjoint(operator(z) - y) + size * (z - b))
        gain = operator.norm()
        scale = gain * (gain * _norm(z) + _norm(y)) + lam * (_norm(z) + _norm(b))
        worst = max(worst, _judge(operator, f"gram_test, prox, lam = {lam}", error, scale, tol))
    return worst


def vjp_test(operator: Operator, batch: int = 2, seed: int = 0, tol: float = 0.0) -> float:
    """The error of `vjp` against central differences, for any smooth operator.

    `<v, A(x + h u) - A(x - h u)> / 2h` against `<vjp(x, v), u>`, relative to the norms; x of size
    about 1, u half along vjp(x, v), h the cube root of eps. tol: 1e-2 in float32, 1e-6 in float64
    by default. Of no use where rounding counts as the identity.
    """
    single = operator.anchor.dtype != torch.float64
    x, v = _draws(operator, batch, seed)
    back = operator.vjp(x, v).detach()
    size = column(_norm(back).clamp_min(torch.finfo(x.dtype).tiny), back)
    u = _draws(operator, batch, seed + 1)[0] + back / size * back[0].numel() ** 0.5
    h = torch.finfo(x.dtype).eps ** (1 / 3)
    slope = (operator(x + h * u) - operator(x - h * u)) / (2 * h)
    scale = _norm(slope) * _norm(v) + _norm(back) * _norm(u)
    error = (dot(slope, v) - dot(back, u)).abs()
    return _judge(operator, "vjp_test", error, scale, tol or (1e-2 if single else 1e-6))


def _norm(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1)


def _draws(operator: Operator, batch: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    batch = operator.batch if operator.batch is not None else batch
    shapes = (operator.in_shape, operator.out_shape)
    x, y = (torch.randn(batch, *shape, generator=generator) for shape in shapes)
    return x.to(operator.anchor), y.to(operator.anchor)


def _judge(operator: Operator, check: str, error: Tensor, scale: Tensor, tol: float) -> float:
    tol = tol or (1e-10 if operator.anchor.dtype == torch.float64 else 1e-5)
    if not error.numel():
        return 0.0
    worst = float((error / scale.clamp_min(torch.finfo(error.dtype).tiny)).max())
    if not worst <= tol:  # also catches NaN
        raise AssertionError(f"{check}: {operator!r} is off by {worst:.2e}, more than {tol:.0e}")
    return worst
