"""Noise that does not depend on the image: Gaussian, of one level or of many, Laplace, uniform."""

import torch
from torch import Tensor

from operators.core.parameters import Values, parameter
from operators.core.random import Rng
from operators.problem.noise.law import Noise
from operators.solve import column


class Gaussian(Noise):
    """Adds white Gaussian noise.

    `y = A x + sigma n`, `n ~ N(0, I)`.

    Args:
        sigma: >= 0 in units of the [-1, 1] range (a paper's 0.05 on [0, 1] is 0.10 here): a float,
            one per sample as a sequence or a tensor (B,), or a tensor that broadcasts to
            `(1 or B, *out_shape)`, one per value of y; for the last see `Problem.whitened`.

    Raises:
        ValueError: for a sigma that is negative, NaN or inf, or does not fit y.
    """

    def __init__(self, sigma: Values) -> None:
        self._sigma = parameter("Gaussian", "sigma", sigma, pixels=True)

    @property
    def sigma(self) -> float | Tensor:
        return self._sigma

    def sample(self, clean: Tensor, rng: Rng) -> Tensor:
        self.check(clean)
        if isinstance(self._sigma, float) and self._sigma == 0:
            return clean.clone()
        return clean + column(self._sigma, clean) * rng.normal(clean.shape, clean.dtype)

    def nll(self, clean: Tensor, y: Tensor) -> Tensor:
        """Half the squared norm of `(y - clean) / sigma` per sample, (B,).

        Raises:
            ValueError: for the float sigma = 0.
        """
        self.check(clean)
        if isinstance(self._sigma, float) and self._sigma == 0:
            raise ValueError("Gaussian: without noise (sigma = 0) there is no likelihood")
        return ((y - clean) / column(self._sigma, clean)).square().flatten(1).sum(1) / 2


def gaussian(sigma: Values) -> Gaussian:
    """Gaussian noise of standard deviation sigma on the [-1, 1] range."""
    return Gaussian(sigma)


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
