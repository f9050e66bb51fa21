"""Krylov spaces of batched maps: every sample has its own, and all are built side by side."""

from collections.abc import Callable

import torch
from torch import Tensor


def arnoldi(
    matvec: Callable[[Tensor], Tensor], start: Tensor, iterations: int
) -> tuple[Tensor, Tensor]:
    """Orthonormal V (B, k + 1, n) of the Krylov space of M and `start` (B, ...), and M V[:k].

    With full re-orthogonalisation; vectors are 0 once a sample's space is exhausted, or where
    `start` is 0.
    """
    scale = start.flatten(1).norm(dim=1, keepdim=True)
    basis, images = [torch.where(scale > 0, start.flatten(1) / scale, 0.0)], []
    for _ in range(iterations):
        w = matvec(basis[-1].view_as(start)).flatten(1)
        images.append(w)
        q = torch.stack(basis, 1)
        for _again in range(2):
            w = w - torch.einsum("bkn,bk->bn", q, torch.einsum("bkn,bn->bk", q, w))
        size, rounding = w.norm(dim=1, keepdim=True), 100 * torch.finfo(w.dtype).eps
        fresh = size > rounding * images[0].norm(dim=1, keepdim=True)
        basis.append(torch.where(fresh, w / size, 0.0))
    return torch.stack(basis, 1), torch.stack(images, 1)


def gmres(matvec: Callable[[Tensor], Tensor], b: Tensor, iterations: int) -> Tensor:
    """Of all x in the Krylov space of M and b, (B, ...), the one of least ||M x - b||, per sample.

    Any square M, also one that is neither symmetric nor definite, where conjugate gradients can
    diverge: the residual never exceeds ||b|| and never grows with `iterations`, of which each costs
    one product with M. For few iterations: all vectors are kept. Never waits for the device.

    Reference: Saad and Schultz, 1986, doi:10.1137/0907058.
    """
    basis, images = arnoldi(matvec, b, iterations)
    small = torch.einsum("bin,bjn->bij", basis, images)
    size = b.flatten(1).norm(dim=1, keepdim=True)
    weights = _first_of_pinv(small) * size
    return torch.einsum("bj,bjn->bn", weights, basis[:, :-1]).view_as(b)


def _first_of_pinv(a: Tensor) -> Tensor:
    """The w (B, k) of least ||a w - e||, e the first unit vector, for small a (B, m, k).

    By modified Gram-Schmidt on (a, e) and back substitution, one after another: LAPACK's routines
    would have the host wait. A column that depends on those before it gets weight 0.
    """
    count, rounding = a.shape[2], 10 * a.shape[1] * torch.finfo(a.dtype).eps
    unit = torch.eye(a.shape[1], dtype=a.dtype, device=a.device)[:, :1]
    rest = torch.cat([a, unit.expand(len(a), -1, -1)], 2)
    least, rows, weights = rounding * a.norm(dim=1).amax(1), [], []
    for j in range(count):
        column = rest[:, :, j]
        length = column.norm(dim=1)
        q = torch.where(length > least, 1 / length, 0.0)[:, None] * column
        rows.append((q[:, None] @ rest)[:, 0])
        rest = rest - q[:, :, None] * rows[-1][:, None]
    for row, j in zip(reversed(rows), reversed(range(count)), strict=True):
        later = sum(row[:, i] * w for i, w in zip(range(count - 1, j, -1), weights, strict=True))
        weights.append(torch.where(row[:, j] > 0, (row[:, count] - later) / row[:, j], 0.0))
    return torch.stack(weights[::-1], 1)
