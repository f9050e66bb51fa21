"""Gaussian noise, of one level or of many."""

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
