"""An inverse problem: what was measured, how, and with what noise. The truth is not in it."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from operators.base import Operator
from operators.noise import Noise
from operators.random import Rng


@dataclass(frozen=True, eq=False)
class Problem:
    """Find x from y = A(x) + noise. y: (B, *operator.out_shape), the operator's dtype and device.

    y is kept with zeros wherever the operator measures nothing (`operator.support`), whatever
    stood there; the caller's tensor stays as it was. Raises ValueError for a y of another shape,
    dtype or device, for NaN or inf in it, and for per-sample noise of another batch size.
    """

    operator: Operator
    noise: Noise
    y: Tensor

    def __post_init__(self) -> None:
        self.operator._check("y", self.y, self.operator.out_shape)
        y = self.operator.support(self.y.detach())
        wrong = int((~torch.isfinite(y)).sum())
        if wrong:
            raise ValueError(
                f"Problem: {wrong} of the {y.numel()} values of the measurement y are NaN or inf; "
                "mend them, or mask them out (operator inpaint)"
            )
        sigma = getattr(self.noise, "sigma", None)
        if isinstance(sigma, Tensor) and sigma.shape != y.shape[:1]:
            raise ValueError(f"Problem: {len(sigma)} sigmas do not fit a batch of {y.shape[0]}")
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "noise", self.noise.to(y))

    def __len__(self) -> int:
        return self.y.shape[0]

    @property
    def sigma(self) -> float | Tensor:
        """σ_y as a float or one per sample, (B,), in units of the [-1, 1] range."""
        return self.noise.sigma

    @property
    def measured(self) -> int | Tensor:
        """m, how many values were measured: an int, or one per sample, (B,)."""
        return self.operator.measured

    def residual(self, x: Tensor) -> Tensor:
        """y − A(x): (B, *in_shape) -> (B, *out_shape)."""
        self._fits(x)
        return self.y - self.operator(x)

    def nll(self, x: Tensor) -> Tensor:
        """−log p(y | x) per sample, (B,), up to a constant."""
        self._fits(x)
        return self.noise.nll(self.operator(x), self.y)

    def rms_residual(self, x: Tensor) -> Tensor:
        """‖A(x) − y‖ / √m per sample, (B,), in units of the [-1, 1] range."""
        return self.residual(x).flatten(1).norm(dim=1) / self.measured**0.5

    def relative_residual(self, x: Tensor) -> Tensor:
        """‖A(x) − y‖ / (σ_y √m) per sample, (B,): about 1 at the truth; inf or NaN at σ_y = 0."""
        return self.rms_residual(x) / self.sigma

    def __getitem__(self, rows: slice) -> Problem:
        """The problem of some samples: views, no copies, no checks, no wait for the device."""
        if not isinstance(rows, slice):
            raise TypeError(f"Problem: index with a slice such as problem[i:i+1], got {rows!r}")
        return self._with(self.operator.select(rows), self.noise.select(rows), self.y[rows])

    def to(self, device: torch.device | str) -> Problem:
        """The problem on another device; this one, and its operator, stay where they are."""
        y = self.y.to(device)
        operator = self.operator
        if operator.anchor.device != y.device:
            operator = copy.deepcopy(operator).to(device)
        return self._with(operator, self.noise.to(y), y)

    def _fits(self, x: Tensor) -> None:
        if x.shape[:1] != self.y.shape[:1]:
            raise ValueError(
                f"Problem: x has {x.shape[0]} samples, the measurement {self.y.shape[0]}"
            )

    @staticmethod
    def _with(operator: Operator, noise: Noise, y: Tensor) -> Problem:
        part = object.__new__(Problem)
        for key, value in (("operator", operator), ("noise", noise), ("y", y)):
            object.__setattr__(part, key, value)
        return part


def measure(operator: Operator, noise: Noise, x: Tensor, rng: Rng) -> Problem:
    """Simulate y = noise(A(x)) for images x (B, *in_shape) in [-1, 1], sample b from stream b."""
    with torch.no_grad():
        return Problem(operator, noise, noise.sample(operator(x), rng))
