"""What the benchmark measures of an operator, and the pieces of several floors."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from torch import Tensor

from operators import LinearOperator

SHAPE, LAM = (3, 256, 256), 0.1
Map = Callable[[Tensor], Tensor]


class Entry(NamedTuple):
    """ours; product -> floor of the same arguments; deepinv.physics -> {class: physics}; our
    measurement in the layout of theirs."""

    ours: LinearOperator
    floor: dict[str, Callable[..., Tensor]]
    theirs: Callable[[ModuleType], dict[str, Any]] = lambda physics: {}
    lift: Callable[[Tensor], Tensor] = lambda y: y


def projected(vt: Map, plus_v: Callable[[Tensor, Tensor], Tensor], s2: float | Tensor) -> Map:
    """(AᵀA + λ)⁻¹ b where A has a null space: its part of b over λ, the row space's over s² + λ.

    The row space is projected off twice. With once, a b within it and λ = 1e-6 come out wrong in
    the second digit: what rounding leaves of it is divided by λ.
    """
    shrink = LAM / (s2 + LAM)

    def solve(b: Tensor) -> Tensor:
        z = vt(b)
        null = plus_v(b, -z)
        return plus_v(null, z * shrink - vt(null)).div_(LAM)

    return solve
