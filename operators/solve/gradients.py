"""Maps and solves whose gradient is another one: nothing of an iteration is stored for it."""

from typing import Any

import torch
from torch import Tensor

from operators.solve.conjugate import Map, cg, cgls, column, dot


class _Solve(torch.autograd.Function):
    """The solution `x = M^-1 b` whose gradient is `M^-1 g`: nothing of the iteration is stored."""

    @staticmethod
    def forward(ctx: Any, b: Tensor, matvec: Map, name: str, tol: float | None) -> Tensor:
        ctx.rest = matvec, name, tol
        return cg(matvec, b, name=name, tol=tol)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        return _Solve.apply(grad, *ctx.rest), None, None, None  # pyright: ignore


class _Pinv(torch.autograd.Function):
    """The pseudo-inverse `x = A^+ y` by `cgls`, whose gradient is `(A^T)^+ g`."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, a: Map, at: Map, name: str) -> Tensor:
        ctx.a, ctx.at, ctx.name = a, at, name
        return cgls(a, at, y, name=name)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        return _Pinv.apply(grad, ctx.at, ctx.a, ctx.name), None, None, None  # pyright: ignore


def solve(matvec: Map, b: Tensor, name: str = "solve", tol: float | None = None) -> Tensor:
    """Solve `M x = b` by `cg` for symmetric positive definite M, differentiable in b."""
    return _Solve.apply(b, matvec, name, tol)  # pyright: ignore


def least_squares(a: Map, at: Map, y: Tensor, name: str = "least_squares") -> Tensor:
    """The least-squares solution of least norm, `A^+ y`, by `cgls`, differentiable in y."""
    return _Pinv.apply(y, a, at, name)  # pyright: ignore


class _Paired(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, a: Map, at: Map) -> Tensor:
        return a(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Map, Map], output: Tensor) -> None:
        _, ctx.a, ctx.at = inputs

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return paired(ctx.at, ctx.a, grad), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Tensor:
        return paired(ctx.a, ctx.at, tangent)


def paired(a: Map, at: Map, x: Tensor) -> Tensor:
    """a(x) for a linear map a with transpose at, differentiable any number of times."""
    return _Paired.apply(x, a, at)  # pyright: ignore


@torch.no_grad()
def difference(forward: Map, x: Tensor, v: Tensor) -> Tensor:
    """The derivative `J(x) v` by a central difference over a hundredth of `||x||`, per sample.

    For networks: attention has no second derivative, by which `jvp` would go otherwise.
    """
    reach = dot(x, x).clamp_min(1).sqrt() * 1e-2
    size = reach / dot(v, v).sqrt().clamp_min(1e-30)
    step = v * column(size, v)
    change = forward(x + step) - forward(x - step)
    return change / column(2 * size, change)
