"""Laws of the jumps of a random walk: how to draw them, their tails, the scales behind them.

Each is symmetric about 0 and a mixture of Gaussians over their variance, `u ~ N(0, v)`. In float64.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

FLOAT = torch.float64


def normal(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    return torch.randn(*shape, dtype=FLOAT, generator=generator)


def uniform(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    return torch.rand(*shape, dtype=FLOAT, generator=generator)


def _chi_squared(degrees: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    return normal((degrees, *shape), generator).square().sum(0)


class Law(ABC):
    """The law of one jump u, which is not exactly 0 with the probability `share`."""

    share = 1.0

    @abstractmethod
    def tail(self, u: Tensor) -> Tensor:
        """`P(U > u)` for u >= 0, accurate far out."""

    @abstractmethod
    def variances(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Draws of the variance v behind jumps that are not 0."""

    @abstractmethod
    def variances_of(self, u: Tensor, generator: torch.Generator) -> Tensor:
        """Draws of the variance v behind the jumps u."""

    def draw(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Independent jumps."""
        u = self.variances(shape, generator).sqrt() * normal(shape, generator)
        return u * (uniform(shape, generator) < self.share)

    def masses(self, first: Tensor, count: int, width: Tensor) -> Tensor:
        """`P((k - 1/2) h < U < (k + 1/2) h)` of `count` cells k from `first` on, of width h."""
        edges = first[..., None] - 0.5 + torch.arange(count + 1)
        outer = self.tail(edges.abs() * width).diff(dim=-1).abs()
        middle = 1 - 2 * self.tail(0.5 * width)
        return torch.where(edges[..., :-1] == -0.5, middle, outer)


class Gauss(Law):
    """Gaussian jumps, `u ~ N(0, variance)`."""

    def __init__(self, variance: float = 0.25) -> None:
        self.variance = variance

    def tail(self, u: Tensor) -> Tensor:
        return torch.erfc(u / math.sqrt(2 * self.variance)) / 2

    def variances(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        return torch.full(tuple(shape), self.variance, dtype=FLOAT)

    def variances_of(self, u: Tensor, generator: torch.Generator) -> Tensor:
        return torch.full_like(u, self.variance)


class Laplace(Law):
    """Laplacian jumps of scale 1, of which but a `share` may be there, the others 0.

    The density is `exp(-|u|) / 2`, that of the variances `exp(-v / 2) / 2`.
    """

    def __init__(self, share: float = 1.0) -> None:
        self.share = share

    def tail(self, u: Tensor) -> Tensor:
        return self.share / 2 * torch.exp(-u)

    def variances(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        return -2 * torch.log1p(-uniform(shape, generator))

    def variances_of(self, u: Tensor, generator: torch.Generator) -> Tensor:
        """`1 / v` is inverse Gaussian of mean `1 / |u|` and shape 1.

        Reference: Michael, Schucany and Haas, 1976, doi:10.2307/2683801 (its draws).
        """
        mean = 1 / u.abs().clamp_min(1e-12)
        w = mean * normal(u.shape, generator).square() / 2
        x = mean / (1 + w + (2 * w + w.square()).sqrt())
        return 1 / torch.where(uniform(u.shape, generator) * (mean + x) <= mean, x, mean**2 / x)


class Student(Law):
    """Jumps of Student's t law with n = 1, 2 or 3 degrees of freedom, `v = n / chi^2_n`."""

    def __init__(self, degrees: int) -> None:
        self.degrees = degrees

    def tail(self, u: Tensor) -> Tensor:
        if self.degrees == 1:
            return torch.atan2(torch.ones_like(u), u) / math.pi
        if self.degrees == 2:
            root = (u.square() + 2).sqrt()
            return 1 / (root * (root + u))
        t = u / math.sqrt(3)
        return (torch.atan2(torch.ones_like(t), t) - t / (1 + t.square())) / math.pi

    def variances(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        return self.degrees / _chi_squared(self.degrees, shape, generator)

    def variances_of(self, u: Tensor, generator: torch.Generator) -> Tensor:
        squares = _chi_squared(self.degrees + 1, u.shape, generator)
        return (self.degrees + u.square()) / squares


LAWS: dict[str, Law] = {
    "gauss": Gauss(),
    "laplace": Laplace(),
    "bernoulli_laplace": Laplace(share=0.1),
    "student_1": Student(1),
    "student_2": Student(2),
    "student_3": Student(3),
}
"""The six of Zach et al., 2026 (ICLR, openreview zDI2G8t0of)."""
