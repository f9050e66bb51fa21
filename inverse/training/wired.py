"""Steps wired so that their input follows from their output: nothing is stored for the way back."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

LEAST, MOST = 0.05, 0.95  # of v, by which the inverse divides


class Wired(nn.Module):
    """A step G on a pair of images, wired invertibly.

    `(x1, x2) -> ((1 - v) G(x1) + v x2, x1)`, with the inverse `x1 = y2`,
    `x2 = (y1 - (1 - v) G(y2)) / v`. Rounding grows by `1 / v` with each inverted step: ten steps
    at v = 0.5 come back to 1e-3 in float32.

    Args:
        step: G, (B, C, H, W) -> (B, C, H, W). v: a parameter, kept in [0.05, 0.95].

    Reference: Chen et al., 2024, arXiv:2403.17006, eq. 6.
    """

    def __init__(self, step: nn.Module, v: float = 0.5) -> None:
        super().__init__()
        self.step, self.share = step, nn.Parameter(torch.tensor(v))

    @property
    def v(self) -> Tensor:
        """The share of the second image."""
        return self.share.clamp(LEAST, MOST)

    def forward(self, x1: Tensor, x2: Tensor) -> tuple[Tensor, Tensor]:
        return torch.lerp(self.step(x1), x2, self.v), x1

    def inverse(self, y1: Tensor, y2: Tensor) -> tuple[Tensor, Tensor]:
        """The pair that was mapped to this one."""
        return y2, self.undone(y1, self.step(y2))

    def undone(self, y1: Tensor, g: Tensor) -> Tensor:
        """x2 of y1 and `g = G(x1)`."""
        return (y1 - (1 - self.v) * g) / self.v


def run(steps: Sequence[Wired], x1: Tensor, x2: Tensor) -> tuple[Tensor, Tensor]:
    """One after another, keeping the last pair alone for the way back, which undoes the steps."""
    flat = [part for step in steps for part in (step.v, *step.step.parameters())]
    return _Run.apply(list(steps), x1, x2, *flat)  # pyright: ignore[reportReturnType]


class _Run(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, steps: list[Wired], x1: Tensor, x2: Tensor, *flat: Tensor) -> Any:
        for step in steps:
            x1, x2 = step(x1, x2)
        ctx.steps = steps
        ctx.save_for_backward(x1, x2)
        return x1.clone(), x2.clone()

    @staticmethod
    def backward(ctx: Any, *back: Tensor) -> Any:
        (y1, y2), (d1, d2), found = ctx.saved_tensors, back, []
        for step in reversed(ctx.steps):
            parameters, v = list(step.step.parameters()), step.v.detach()
            with torch.enable_grad():
                leaf = y2.detach().requires_grad_()
                g = step.step(leaf)
            slopes = torch.autograd.grad(g, [leaf, *parameters], (1 - v) * d1, allow_unused=True)
            with torch.no_grad():
                x2 = step.undone(y1, g)
                found = [((x2 - g) * d1).sum(), *slopes[1:], *found]
            y1, y2, d1, d2 = y2, x2, d2 + slopes[0], v * d1
        return None, d1, d2, *found
