"""A linear map written by hand with its transpose, so that each is the other's gradient."""

from typing import Any

import torch
from torch import Tensor

from operators.solve.conjugate import Map


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
