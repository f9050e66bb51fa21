"""Laplace noise: heavier tails than Gaussian noise."""

import torch
from torch import Tensor

from operators.core.parameters import Values, parameter
from operators.core.random import Rng
from operators.problem.noise.law import Noise
from operators.solve import column


class Laplace(Noise):
    """Adds noise of the density `exp(-|e| / b) / 2b`.

    `y = A x + e`. Its standard deviation, and so `sigma`, is `sqrt(2) b`.

    Args:
        scale: b, a float > 0, or one per sample, (B,).

    Raises:
        ValueError: for a bad scale.
    """

    def __init__(self, scale: Values) -> None:
        self.scale = parameter("Laplace", "scale", scale, low_allowed=False)

    @property
    def sigma(self) -> float | Tensor:
        return self.scale * 2**0.5

    def sample(self, clean: Tensor, rng: Rng) -> Tensor:
        self.check(clean)
        place = rng.uniform(clean.shape, clean.dtype) - 0.5
        tail = (1 - 2 * place.abs()).clamp_min(torch.finfo(clean.dtype).eps / 4)
        return clean - column(self.scale, clean) * place.sign() * tail.log()

    def nll(self, clean: Tensor, y: Tensor) -> Tensor:
        """The sum of `|y - clean| / b` per sample, (B,); its gradient where y = clean is 0."""
        self.check(clean)
        return (y - clean).abs().flatten(1).sum(1) / self.scale


def laplace(scale: Values) -> Laplace:
    """Laplace noise of the given scale on the [-1, 1] range."""
    return Laplace(scale)
