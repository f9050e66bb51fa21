"""Uniform noise: an error of known bounds, as of quantisation."""

import torch
from torch import Tensor

from operators.core.parameters import Values, parameter
from operators.core.random import Rng
from operators.problem.noise.law import Noise
from operators.solve import column


class Uniform(Noise):
    """Adds noise that is uniform on an interval about 0.

    `y = A x + e`, e on `[-width / 2, width / 2]`. The error of a quantiser with steps of that width
    (2/255 for 8 bits) looks like this where the signal spans many steps. `sigma` is its standard
    deviation, `width / sqrt(12)`.

    Args:
        width: a float > 0, or one per sample, (B,).

    Raises:
        ValueError: for a bad width.
    """

    def __init__(self, width: Values) -> None:
        self.width = parameter("Uniform", "width", width, low_allowed=False)

    @property
    def sigma(self) -> float | Tensor:
        return self.width / 12**0.5

    def sample(self, clean: Tensor, rng: Rng) -> Tensor:
        self.check(clean)
        place = rng.uniform(clean.shape, clean.dtype) - 0.5
        return clean + column(self.width, clean) * place

    def nll(self, clean: Tensor, y: Tensor) -> Tensor:
        """0 where every value of the sample is within the bounds, else inf; (B,).

        A few roundings of y beyond the bounds are forgiven. The gradient is 0 everywhere: the law
        says which x are possible and prefers none of them.
        """
        self.check(clean)
        slack = 4 * torch.finfo(clean.dtype).eps * (1 + y.abs())
        beyond = (y - clean).abs() - column(self.width, clean) / 2 - slack
        worst = beyond.clamp_min(0).flatten(1).sum(1)
        return torch.where(worst > 0, torch.inf, worst)


def uniform(width: Values) -> Uniform:
    """Uniform noise of the given width on the [-1, 1] range."""
    return Uniform(width)
