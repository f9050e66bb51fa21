"""An inverse problem: what was measured, how, and with what noise. The truth is not in it."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from operators.core.diagonal import Diagonal
from operators.core.linear import LinearOperator
from operators.core.operator import Operator
from operators.core.random import Rng
from operators.problem.noise import Gaussian, Noise
from operators.solve import column


@dataclass(frozen=True, eq=False)
class Problem:
    """A measurement with its forward model and its noise: find x from `y = A(x) + noise`.

    y is kept with zeros wherever the operator measures nothing (`operator.support`), whatever
    stood there; the caller's tensor stays as it was.

    Args:
        y: `(B, *operator.out_shape)`, of the operator's dtype and device.

    Raises:
        ValueError: for a y of another shape, dtype or device, for NaN or inf in it, and for noise
            of another batch size or shape.
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
        self.noise.check(y)
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "noise", self.noise.to(y).seen(self.operator.dark))

    def __len__(self) -> int:
        return self.y.shape[0]

    @property
    def sigma(self) -> float | Tensor:
        """The noise's sigma in units of y: a float, (B,), or per value, `(1 or B, *out_shape)`."""
        return self.noise.sigma

    @property
    def measured(self) -> int | Tensor:
        """m, how many values were measured: an int, or one per sample, (B,)."""
        return self.operator.measured

    def residual(self, x: Tensor) -> Tensor:
        """The residual `y - A(x)`: `(B, *in_shape) -> (B, *out_shape)`."""
        self._fits(x)
        return self.y - self.operator(x)

    def nll(self, x: Tensor) -> Tensor:
        """The negative log-likelihood `-log p(y | x)` per sample, (B,), up to a constant."""
        self._fits(x)
        return self.noise.nll(self.operator(x), self.y)

    def rms_residual(self, x: Tensor) -> Tensor:
        """The residual's root mean square, `||A(x) - y|| / sqrt(m)` per sample, (B,)."""
        return self.residual(x).flatten(1).norm(dim=1) / self.measured**0.5

    def relative_residual(self, x: Tensor) -> Tensor:
        """The residual in units of the noise, per sample, (B,).

        `||(A(x) - y) / sigma_y|| / sqrt(m)`. About 1 at the truth; inf or NaN at sigma_y = 0; of a
        spread that depends on the signal, 1 for mid-grey pictures.
        """
        sigma = self.sigma
        if isinstance(sigma, Tensor) and sigma.ndim > 1:
            return (self.residual(x) / sigma).flatten(1).norm(dim=1) / self.measured**0.5
        return self.rms_residual(x) / sigma

    def as_gaussian(self, near: Tensor | None = None) -> Problem:
        """The problem with Gaussian noise of the standard deviation that `noise.std` has there.

        For linear-Gaussian solvers where the noise depends on the signal (Poisson), before
        `whitened`.

        Args:
            near: about what the measurement is without noise, like y. By default y, for many
                photons: of few, values that happened to come out low get too much weight, and the
                one `sigma` of the problem may serve better.
        """
        if isinstance(self.noise, Gaussian):
            return self
        std = self.noise.std(self.y if near is None else near)
        return self._with(self.operator, Gaussian(std), self.y)

    def whitened(self) -> Problem:
        """The problem of the same posterior whose noise is N(0, I).

        `diag(1 / sigma) A` and `y / sigma`. For solvers that know one sigma only, where it differs
        from value to value. Solves stay in closed form for one sigma and for masks. Residuals are
        in units of sigma.

        Raises:
            TypeError: unless the noise is Gaussian.
            ValueError: where sigma = 0.
        """
        if not isinstance(self.noise, Gaussian):
            raise TypeError(
                f"Problem.whitened: the noise must be Gaussian, got {self.noise!r}; "
                "as_gaussian() approximates it"
            )
        sigma, inner = self.noise.sigma, self.operator
        if isinstance(sigma, float) and sigma > 0 and isinstance(inner, LinearOperator):
            return self._with(inner * (1 / sigma), Gaussian(1.0), self.y / sigma)
        ones = self.y.new_ones(1 if inner.batch is None else len(self), *inner.out_shape)
        spread = column(torch.as_tensor(sigma).to(ones), ones)
        weights = torch.where(inner.support(ones) > 0, 1 / spread, 0.0)
        if not bool(weights.isfinite().all()):
            raise ValueError("Problem.whitened: sigma must be above 0 everywhere")
        operator = Diagonal(inner.out_shape, weights).to(ones) @ inner
        return self._with(operator, Gaussian(1.0), self.y * weights)

    def __getitem__(self, rows: slice) -> Problem:
        """The problem of some samples: views, no copies, no checks, no wait for the device."""
        if not isinstance(rows, slice):
            raise TypeError(f"Problem: index with a slice such as problem[i:i+1], got {rows!r}")
        return self._with(self.operator.select(rows), self.noise.select(rows), self.y[rows])

    def repeat(self, count: int) -> Problem:
        """Every sample `count` times in a row: the problem of `count` particles per sample."""
        rows = torch.arange(len(self)).repeat_interleave(count)
        y = self.y if count == 1 else self.y.repeat_interleave(count, 0)
        return self._with(self.operator.select(rows), self.noise.select(rows), y)

    def through(self, decoder: Operator) -> Problem:
        """The problem of what the decoder D maps to the image: find z from y = A(D(z)) + noise.

        Linear where A and D are.

        Raises:
            ValueError: where D's output is not A's input, or differs from it in dtype or device.
        """
        return self._with(self.operator @ decoder, self.noise, self.y)

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
    """Simulate y = noise(A(x)) for images x `(B, *in_shape)` in [-1, 1], sample b from stream b.

    The noise has streams forked from `rng`: a sampler that is given the same seeds draws others.
    """
    with torch.no_grad():
        clean = operator(x)
        law = noise.to(clean).seen(operator.dark)
        return Problem(operator, noise, law.sample(clean, rng.fork("measurement")))
