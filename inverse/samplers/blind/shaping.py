"""Kernels that are non-negative and of sum 1: the nearest, the likeliest, moved to the middle."""

from collections.abc import Callable

import torch
from torch import Tensor


def ascended(fits: Callable[[Tensor], Tensor], kernel: Tensor, steps: int) -> Tensor:
    """Accelerated projected gradient ascent from a kernel (B, 1, h, w), of `fits`: (B,).

    A step that loses is taken back and halved, and its momentum forgotten.

    Reference: O'Donoghue and Candès, 2015, doi:10.1007/s10208-013-9150-3 (the restart).
    """
    best, value = kernel, fits(kernel)
    ahead, age = kernel, kernel.new_zeros(len(kernel), 1, 1, 1)
    gradient = _gradient(fits, kernel)
    size = 0.1 / gradient.flatten(1).norm(dim=1)[:, None, None, None].clamp_min(1e-12)
    for _ in range(steps):
        tried = projected(ahead + size * gradient)
        now = fits(tried)
        better = (now >= value)[:, None, None, None]
        age = torch.where(better, age + 1, 0.0)
        momentum = (age - 1).clamp_min(0) / (age + 2)
        ahead = torch.where(better, tried + momentum * (tried - best), best)
        best, value = torch.where(better, tried, best), now.maximum(value)
        size = torch.where(better, 1.2 * size, 0.5 * size)
        gradient = _gradient(fits, ahead)
    return best


def _gradient(fits: Callable[[Tensor], Tensor], kernel: Tensor) -> Tensor:
    with torch.enable_grad():
        kernel = kernel.detach().requires_grad_()
        return torch.autograd.grad(fits(kernel).sum(), kernel)[0]


def projected(kernel: Tensor) -> Tensor:
    """The nearest kernel (B, 1, h, w) that is non-negative and has the sum 1.

    Reference: Held, Wolfe and Crowder, 1974, doi:10.1007/BF01580223.
    """
    flat = kernel.flatten(1)
    order = flat.sort(1, descending=True).values
    over = (order.cumsum(1) - 1) / torch.arange(1, flat.shape[1] + 1).to(flat)
    last = (order > over).sum(1, keepdim=True) - 1
    return (flat - over.gather(1, last)).clamp_min(0).view_as(kernel)


def centred(kernel: Tensor) -> Tensor:
    """Kernels (B, 1, h, w) moved by whole pixels: their centres of mass are in the middle."""
    for dim in (-2, -1):
        n = kernel.shape[dim]
        places = torch.arange(n).to(kernel)
        mass = kernel.sum((1, -1 if dim == -2 else -2))
        moves = (n // 2 - (mass @ places)).round().long().tolist()
        kernel = torch.stack([k.roll(m, dim) for k, m in zip(kernel, moves, strict=True)])
    return kernel


def lagged(of: Tensor, size: int) -> Tensor:
    """The matrix of values of a function of two places' distance: (..., H, W) -> (..., n, n).

    Args:
        of: the function, round as a transform has it. size: of the square of n places.
    """
    steps = torch.arange(size)
    down, across = (v.flatten() for v in torch.meshgrid(steps, steps, indexing="ij"))
    return of[..., down[:, None] - down, across[:, None] - across]
