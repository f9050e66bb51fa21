"""Iterative linear algebra over batches: every sample is solved on its own, side by side."""

import warnings
from collections.abc import Callable
from typing import overload

import torch
from torch import Tensor

from operators.solve.krylov import arnoldi

Map = Callable[[Tensor], Tensor]
SMALLEST = torch.finfo(torch.float32).tiny
CHECK_EVERY = 10  # iterations between two looks at a device that the host has to wait for


def tolerance(dtype: torch.dtype) -> float:
    """Relative residual at which CG stops: 1e-6 in float32, 1e-12 in float64."""
    return 1e-12 if dtype == torch.float64 else 1e-6


def widest(device: torch.device) -> torch.dtype:
    """The most exact real dtype of a device: float64, but float32 on Apple's, which has none."""
    return torch.float32 if device.type == "mps" else torch.float64


@overload
def column(value: Tensor, like: Tensor) -> Tensor: ...
@overload
def column(value: float, like: Tensor) -> float: ...
def column(value: float | Tensor, like: Tensor) -> float | Tensor:
    """A number as it is; one value per sample, (B,), as (B, 1, ...) of that rank."""
    if isinstance(value, Tensor) and value.dim() == 1:
        return value.view(-1, *[1] * (like.ndim - 1))
    return value


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Per-sample inner product: (B, ...), (B, ...) -> (B,)."""
    return (a * b).flatten(1).sum(1)


def cg(
    matvec: Map,
    b: Tensor,
    *,
    tol: float | None = None,
    max_iter: int = 1000,
    partial: bool = False,
    name: str = "cg",
) -> Tensor:
    """Solve M x = b for symmetric positive definite M by conjugate gradients from x = 0.

    `x_{k+1} = x_k + t p_k` with `t = ||r||^2 / (p^T M p)`; a sample whose residual has fallen to
    `||r|| <= tol ||b||` is frozen, so its answer does not depend on its neighbours. b: (B, ...).
    The host waits for a device other than itself once every 10 iterations only. Warns
    (RuntimeWarning) when `max_iter` did not suffice, unless a `partial` solution is wanted.

    Reference: Hestenes and Stiefel, 1952, doi:10.6028/jres.049.044.
    """
    tol = tolerance(b.dtype) if tol is None else tol
    x, r, p = torch.zeros_like(b), b, b
    del b  # images may be large
    rr = dot(r, r)
    goal = tol**2 * rr
    for k in range(max_iter):
        active = rr > goal
        if _looks(k, r) and not bool(active.any()):
            return x
        q = matvec(p)
        curve = dot(p, q)
        active = active & (curve > 0)
        alpha = column(torch.where(active, rr / curve, 0.0), r)
        x = torch.addcmul(x, alpha, p)
        r = torch.addcmul(r, alpha, q, value=-1)
        del q
        new = dot(r, r)
        p = torch.addcmul(r, column(torch.where(active, new / rr, 0.0), r), p)
        rr = torch.where(active, new, rr)
    if not partial:
        _warn(name, rr, goal, tol, max_iter)
    return x


def cgls(
    a: Map,
    at: Map,
    y: Tensor,
    *,
    tol: float | None = None,
    max_iter: int = 1000,
    name: str = "cgls",
) -> Tensor:
    """The pseudo-inverse `A^+ y` by conjugate gradients: of all minimisers the one of least norm.

    On `A^T A x = A^T y` from x = 0, without forming `A^T A` (which would square the rounding, too).
    A sample is frozen once `||A^T (y - A x)|| <= tol ||A^T y||`; as for `cg` otherwise. Directions
    of small singular values come last, so an ill-conditioned A may need more than `max_iter`.

    Reference: Björck, 1996, Numerical Methods for Least Squares Problems, Alg. 7.4.1.
    """
    tol = tolerance(y.dtype) if tol is None else tol
    r, p = y, at(y)
    x, ss = torch.zeros_like(p), dot(p, p)
    goal = tol**2 * ss
    for k in range(max_iter):
        active = ss > goal
        if _looks(k, y) and not bool(active.any()):
            return x
        q = a(p)
        curve = dot(q, q)
        active = active & (curve > 0)
        alpha = torch.where(active, ss / curve, 0.0)
        x, r = x + column(alpha, x) * p, r - column(alpha, r) * q
        s = at(r)
        new = dot(s, s)
        p = s + column(torch.where(active, new / ss, 0.0), s) * p
        ss = torch.where(active, new, ss)
    _warn(name, ss, goal, tol, max_iter)
    return x


def _looks(k: int, like: Tensor) -> bool:
    return like.device.type == "cpu" or k % CHECK_EVERY == 0


def _warn(name: str, reached: Tensor, goal: Tensor, tol: float, max_iter: int) -> None:
    ratio = reached / goal.clamp_min(torch.finfo(goal.dtype).tiny)
    worst = tol * float(ratio.sqrt().max())
    if worst > tol:
        warnings.warn(
            f"{name}: conjugate gradients stopped after {max_iter} iterations at a relative "
            f"residual of {worst:.1e} (goal {tol:.0e}); the operator is ill-conditioned",
            RuntimeWarning,
            stacklevel=4,
        )


@torch.no_grad()
def largest_eigenvalue(matvec: Map, start: Tensor, iterations: int = 60) -> Tensor:
    """Largest eigenvalue, (B,), of a symmetric positive semi-definite M by Lanczos iteration.

    A power iteration that keeps what it has seen: the Ritz value of the whole Krylov space of
    M and `start` (B, ...), with full re-orthogonalisation; it approaches from below. Of the small
    matrix S of that space it is `tr(P S) / tr(P)`, P = S^(2^20) by squaring (within 2e-7 times
    the dimension): LAPACK's routines would have the host wait for the device.

    Reference: Golub and Van Loan, Matrix Computations, 4th ed., ch. 10.
    """
    basis, images = arnoldi(matvec, start, min(iterations, start[0].numel()))
    small = torch.einsum("bkn,bln->bkl", basis[:, :-1], images)
    small = power = (small + small.mT) / 2
    for _ in range(20):
        power = power / torch.linalg.matrix_norm(power).clamp_min(SMALLEST)[:, None, None]
        power = power @ power
    trace = power.diagonal(dim1=1, dim2=2).sum(1).clamp_min(SMALLEST)
    return ((power * small).sum((1, 2)) / trace).clamp_min(0)
