"""Any network as a forward model."""

import copy
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from operators.core.operator import Operator, as_shape
from operators.solve import difference


class Module(Operator):
    """Measures by a differentiable `nn.Module` that treats the samples of a batch apart.

    `y = module(x)`. The operator holds a frozen copy of the module, for good in eval mode: yours
    stays as it is, and what you do to it later changes no problem. The copy follows `.to`.

    Args:
        in_shape: the shape of x without the batch.
        out_shape: the same of y; found by one run on a batch of zeros, and held against it if
            given.

    Raises:
        ValueError: where the module gives no `(B, *out_shape)` tensor of its own dtype.
    """

    def __init__(
        self, module: nn.Module, in_shape: Sequence[int], out_shape: Sequence[int] | None = None
    ) -> None:
        shape = as_shape("Module", "in_shape", in_shape)
        held = copy.deepcopy(module).eval().requires_grad_(False)
        floats = [t for t in (*held.parameters(), *held.buffers()) if t.is_floating_point()]
        like = floats[0] if floats else torch.empty(0)
        with torch.no_grad():
            y = held(like.new_zeros(2, *shape))
        got = f"{tuple(y.shape)} {y.dtype}" if isinstance(y, Tensor) else str(type(y))
        want = ("...",) if out_shape is None else as_shape("Module", "out_shape", out_shape)
        fits = isinstance(y, Tensor) and y.ndim > 1 and y.shape[0] == 2 and y.dtype == like.dtype
        if not fits or (out_shape is not None and y.shape[1:] != want):
            sizes = ", ".join(str(n) for n in (2, *want))
            raise ValueError(
                f"Module: {type(module).__name__} must give ({sizes}) {like.dtype} for a batch of "
                f"two {shape}, got {got}"
            )
        super().__init__(shape, y.shape[1:])
        self.anchor = like.new_empty(0)
        self.module = held

    def _forward(self, x: Tensor) -> Tensor:
        return self.module(x.clone())  # a module may work in place, or return its input

    def _jvp(self, x: Tensor, v: Tensor) -> Tensor:
        return difference(self._forward, x, v)

    def train(self, mode: bool = True) -> Self:
        return super().train(False)

    def __repr__(self) -> str:
        inner = type(self.module).__name__
        return f"{self.name}({inner}, {self.in_shape} -> {self.out_shape})"
