"""A weight for every value: the operators that are diagonal in image space."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from operators.core.linear import LinearOperator
from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator
from operators.solve import column


class Identity(SpectralOperator):
    """Measures the image itself, `y = x`, for denoising.

    Args:
        image_shape: (C, H, W), or any shape without the batch.
    """

    unitary = pointwise = True

    def __init__(self, image_shape: Sequence[int]) -> None:
        shape = as_shape("Identity", "image_shape", image_shape)
        super().__init__(shape, shape, torch.ones([1] * (len(shape) + 1), dtype=torch.float64))

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = v = vt = u

    def _forward(self, x: Tensor) -> Tensor:
        return x.clone()

    _adjoint = _pinv = _gram = _forward

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        return torch.lerp(x, y, 1 / (1 + column(lam, x)))

    @property
    def T(self) -> LinearOperator:  # noqa: N802
        return self


def identity(image_shape: Sequence[int]) -> Identity:
    """Denoising."""
    return Identity(image_shape)


class Diagonal(SpectralOperator):
    """Weighs every value by itself.

    `y = w * x`; where w = 0 nothing is measured.

    Args:
        shape: of x and y without the batch.
        weights: real, `(1 or B, *shape)` or what broadcasts to it.

    Raises:
        ValueError: for weights of another shape, with NaN or inf, or all zero for a sample.
    """

    pointwise = True
    weights: Tensor
    sign: Tensor

    def __init__(self, shape: Sequence[int], weights: Tensor) -> None:
        shape = as_shape("Diagonal", "shape", shape)
        sizes = zip(weights.shape[1:], shape, strict=False)
        if weights.ndim != len(shape) + 1 or not all(w in (1, n) for w, n in sizes):
            raise ValueError(
                f"Diagonal: weights must be (1 or B, ...) and broadcast to {shape}, "
                f"got {tuple(weights.shape)}"
            )
        weights = weights.detach().to("cpu", torch.float64)
        counts = (weights != 0).expand(-1, *shape).flatten(1).sum(1)
        if not bool(weights.isfinite().all()) or not bool(counts.all()):
            raise ValueError("Diagonal: weights must be finite and not all 0 for a sample")
        several = weights.shape[0] != 1
        super().__init__(shape, shape, weights.abs(), per_sample=several)
        self.constant("weights", weights, several)
        self.constant("sign", weights.sign(), several)
        self.count(counts)

    @property
    def entries(self) -> Tensor:
        """The weights as they were given, in float64 on the CPU."""
        return self._constants["weights"][0]

    def support(self, y: Tensor) -> Tensor:
        return torch.where(self.weights != 0, y, 0.0)

    def u(self, z: Tensor) -> Tensor:
        return z * self.sign

    ut = u

    def v(self, z: Tensor) -> Tensor:
        return z

    vt = v

    def _forward(self, x: Tensor) -> Tensor:
        return x * self.weights

    _adjoint = _forward

    @property
    def T(self) -> LinearOperator:  # noqa: N802
        return self

    def _fused(self, inner: LinearOperator) -> LinearOperator | None:
        entries = getattr(inner, "entries", None)
        return None if entries is None else multiplied(self, inner, Diagonal)


def multiplied(outer: Any, inner: Any, kind: Callable) -> LinearOperator | None:
    """The product of two diagonal operators as a `kind`; None where it would measure nothing."""
    entries = outer.entries * inner.entries
    return kind(inner.in_shape, entries) if bool(entries.flatten(1).any(1).all()) else None
