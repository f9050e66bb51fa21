"""deepinv's physics: theirs of one of our operators, and ours of one of theirs."""

from collections.abc import Sequence
from typing import Any

import torch
from deepinv.physics import LinearPhysics, Physics  # pyright: ignore[reportMissingImports]
from torch import Tensor

from operators.core.linear import LinearOperator
from operators.core.operator import Operator, Shape, as_shape


class OurPhysics(Physics):
    """Our operator as deepinv's.

    Their `update` parameters reach `A` as keywords and are not for us.
    """

    operator: Operator

    def __init__(self, operator: Operator) -> None:
        super().__init__()
        self.operator = operator

    def A(self, x: Tensor, **kwargs: Any) -> Tensor:  # noqa: N802
        return self.operator(x)

    def A_vjp(self, x: Tensor, v: Tensor) -> Tensor:  # noqa: N802
        return self.operator.vjp(x, v)


class OurLinearPhysics(LinearPhysics):
    """Our linear operator as deepinv's, with our solves in the place of its iterative ones."""

    operator: LinearOperator

    def __init__(self, operator: LinearOperator) -> None:
        super().__init__(img_size=operator.in_shape)
        self.to(operator.anchor)
        self.operator = operator

    def A(self, x: Tensor, **kwargs: Any) -> Tensor:  # noqa: N802
        return self.operator(x)

    def A_adjoint(self, y: Tensor, **kwargs: Any) -> Tensor:  # noqa: N802
        return self.operator.adjoint(y)

    def A_adjoint_A(self, x: Tensor, **kwargs: Any) -> Tensor:  # noqa: N802
        return self.operator.gram(x)

    def A_dagger(self, y: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # noqa: N802
        return self.operator.pinv(y)

    def prox_l2(
        self,
        z: Tensor | float | None,
        y: Tensor,
        gamma: float | Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> Tensor:
        if not isinstance(z, Tensor):
            z = y.new_full((len(y), *self.operator.in_shape), 0.0 if z is None else float(z))
        if isinstance(gamma, Tensor):
            gamma = gamma.reshape(() if gamma.numel() == 1 else -1)
        return self.operator.prox(z, y, 1 / gamma)


class TheirLinear(LinearOperator):
    """Linear physics of deepinv as our operator."""

    physics: LinearPhysics

    def __init__(self, physics: LinearPhysics, in_shape: Shape, zero: Tensor) -> None:
        super().__init__(in_shape, zero.shape[1:])
        self.physics, self.anchor = physics, zero.new_empty(0)

    def _forward(self, x: Tensor) -> Tensor:
        return self.physics.A(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.physics.A_adjoint(y)


class Theirs(Operator):
    """Nonlinear physics of deepinv as our operator."""

    physics: Physics

    def __init__(self, physics: Physics, in_shape: Shape, zero: Tensor) -> None:
        super().__init__(in_shape, zero.shape[1:])
        self.physics, self.anchor = physics, zero.new_empty(0)

    def _forward(self, x: Tensor) -> Tensor:
        return self.physics.A(x)


def ours(physics: Any, image_shape: Sequence[int]) -> Operator:
    """What `from_deepinv` gives."""
    if not isinstance(physics, Physics):
        raise TypeError(f"from_deepinv: needs a deepinv Physics, got {type(physics).__name__}")
    shape = as_shape("from_deepinv", "image_shape", image_shape)
    like = next((b for b in physics.buffers() if b.is_floating_point()), torch.empty(0))
    with torch.no_grad():
        zero = physics.A(like.new_zeros(1, *shape))
    if not isinstance(zero, Tensor) or zero.is_complex() or zero.shape[0] != 1:
        got = f"{tuple(zero.shape)} {zero.dtype}" if isinstance(zero, Tensor) else type(zero)
        raise ValueError(
            f"from_deepinv: {type(physics).__name__} must measure one real tensor per image; a "
            f"batch of one gave {got}"
        )
    if isinstance(physics, LinearPhysics):
        return TheirLinear(physics, shape, zero)
    return Theirs(physics, shape, zero)
