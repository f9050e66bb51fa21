"""Several linear operators side by side: A + B + … and [A; B; …]."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from operators.base import adopt
from operators.linear import LinearOperator


class Sum(LinearOperator):
    """A + B + …; every entry of y counts as a measurement."""

    def __init__(self, *parts: LinearOperator) -> None:
        shapes = {(part.in_shape, part.out_shape) for part in parts}
        if len(shapes) != 1:
            raise ValueError(f"{' + '.join(map(repr, parts))}: the shapes must agree")
        super().__init__(parts[0].in_shape, parts[0].out_shape)
        adopt(self, **{f"part{i}": part for i, part in enumerate(parts)})

    @property
    def parts(self) -> list[LinearOperator]:
        return list(self.children())  # pyright: ignore[reportReturnType]

    def _forward(self, x: Tensor) -> Tensor:
        return sum_of([part._forward(x) for part in self.parts])

    def _adjoint(self, y: Tensor) -> Tensor:
        return sum_of([part._adjoint(y) for part in self.parts])


class Stacked(LinearOperator):
    """[A; B; …]: one image, several measurements, flattened and joined: out_shape (m₁ + m₂ + …,).

    `split(y)` gives them back, each in its own shape.
    """

    def __init__(self, *parts: LinearOperator) -> None:
        if len({part.in_shape for part in parts}) != 1:
            raise ValueError(f"stack of {', '.join(map(repr, parts))}: the inputs must agree")
        self._sizes = [math.prod(part.out_shape) for part in parts]
        super().__init__(parts[0].in_shape, (sum(self._sizes),))
        adopt(self, **{f"part{i}": part for i, part in enumerate(parts)})

    @property
    def parts(self) -> list[LinearOperator]:
        return list(self.children())  # pyright: ignore[reportReturnType]

    def split(self, y: Tensor) -> list[Tensor]:
        """The measurements of the parts: (B, m) -> [(B, *part.out_shape), …]."""
        pieces = y.split(self._sizes, 1)
        shapes = [part.out_shape for part in self.parts]
        return [piece.unflatten(1, shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def _forward(self, x: Tensor) -> Tensor:
        return torch.cat([part._forward(x).flatten(1) for part in self.parts], 1)

    def _adjoint(self, y: Tensor) -> Tensor:
        pairs = zip(self.parts, self.split(y), strict=True)
        return sum_of([part._adjoint(piece) for part, piece in pairs])

    def _gram(self, x: Tensor) -> Tensor:
        return sum_of([part._gram(x) for part in self.parts])

    def support(self, y: Tensor) -> Tensor:
        pairs = zip(self.parts, self.split(y), strict=True)
        return torch.cat([part.support(piece).flatten(1) for part, piece in pairs], 1)

    @property
    def measured(self) -> int | Tensor:
        return sum(part.measured for part in self.parts)


def sum_of(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
