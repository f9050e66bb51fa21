"""Krylov spaces of batched maps: every sample has its own, and all are built side by side."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def arnoldi(
    matvec: Callable[[Tensor], Tensor], start: Tensor, iterations: int
) -> tuple[Tensor, Tensor]:
    """Orthonormal V (B, k + 1, n) of the Krylov space of M and `start` (B, …), and M V[:k].

    With full re-orthogonalisation; vectors are 0 once a sample's space is exhausted, or where
    `start` is 0.
    """
    scale = start.flatten(1).norm(dim=1, keepdim=True)
    basis, images = [torch.where(scale > 0, start.flatten(1) / scale, 0.0)], []
    for _ in range(iterations):
        w = matvec(basis[-1].view_as(start)).flatten(1)
        images.append(w)
        for _again in range(2):
            q = torch.stack(basis, 1)
            w = w - torch.einsum("bkn,bk->bn", q, torch.einsum("bkn,bn->bk", q, w))
        size, rounding = w.norm(dim=1, keepdim=True), 100 * torch.finfo(w.dtype).eps
        fresh = size > rounding * images[0].norm(dim=1, keepdim=True)
        basis.append(torch.where(fresh, w / size, 0.0))
    return torch.stack(basis, 1), torch.stack(images, 1)


def gmres(matvec: Callable[[Tensor], Tensor], b: Tensor, iterations: int) -> Tensor:
    """Of all x in the Krylov space of M and b, (B, …), the one of least ‖M x − b‖, per sample.

    Any square M, also one that is neither symmetric nor definite, where conjugate gradients can
    diverge: the residual never exceeds ‖b‖ and never grows with `iterations`, of which each costs
    one product with M. For few iterations: all vectors are kept.

    Reference: Saad and Schultz, 1986, doi:10.1137/0907058.
    """
    basis, images = arnoldi(matvec, b, iterations)
    small = torch.einsum("bin,bjn->bij", basis, images)
    size = b.flatten(1).norm(dim=1, keepdim=True)
    weights = torch.linalg.pinv(small)[:, :, 0] * size
    return torch.einsum("bj,bjn->bn", weights, basis[:, :-1]).view_as(b)
