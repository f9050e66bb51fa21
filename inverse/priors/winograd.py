"""3 x 3 convolutions by Winograd's minimal filtering, on processors that do it fastest."""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.backends import nnpack

AROUND = [1, 1]  # padding, stride and dilation alike
FEW = 2  # threads: with two, torch's own convolutions take as long on the clock, with more less


class Conv3x3(nn.Conv2d):
    """A convolution by 3 x 3 kernels that keeps the size, `y = W * x + b`.

    By NNPACK, which torch carries, on one or two threads of processors with AVX2 and no wider
    vectors: there it is faster than torch's own choice, and equal to 2e-5 of the largest value.
    NNPACK uses one thread; so elsewhere, with more threads, and in its parameters, it is a
    `Conv2d`.

    Reference: Lavin and Gray, 2016, arXiv:1509.09308.
    """

    def __init__(self, into: int, out: int) -> None:
        super().__init__(into, out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self.pays(x):
            return _Minimal.apply(x, self.weight, self.bias)  # pyright: ignore[reportReturnType]
        return super().forward(x)

    def pays(self, x: Tensor) -> bool:
        """Whether it is faster here, and `torch.backends.nnpack` not switched off."""
        if torch.compiler.is_compiling():  # first: what follows would break its graph
            return False
        single = x.dtype == self.weight.dtype == torch.float32
        other = torch.is_autocast_enabled("cpu")
        here = x.device.type == "cpu" and _fits() and torch._C._get_nnpack_enabled()
        here = here and torch.get_num_threads() <= FEW
        return single and here and not other


@cache
def _fits() -> bool:
    """Whether NNPACK is there, and the processor has no wider vectors than it uses."""
    return torch.backends.cpu.get_cpu_capability() == "AVX2" and nnpack.is_available()


class _Minimal(torch.autograd.Function):
    """The gradient of the input is such a convolution too, by the kernels turned round."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return torch.ops.aten._nnpack_spatial_convolution(
            x.contiguous(), weight.contiguous(), bias, AROUND
        )

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,), (x, weight) = grads, ctx.saved_tensors
        wanted_x, *wanted = ctx.needs_input_grad
        back = weight.flip(2, 3).transpose(0, 1)
        found = _Minimal.apply(grad, back, None) if wanted_x else None
        if not any(wanted):
            return found, None, None
        last = torch.channels_last
        _, *others = torch.ops.aten.convolution_backward(
            grad.contiguous(memory_format=last),
            x.contiguous(memory_format=last),
            weight,
            [len(weight)],
            AROUND,
            AROUND,
            AROUND,
            False,
            [0, 0],
            1,
            [False, *wanted],
        )
        return found, *others
