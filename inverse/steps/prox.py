"""Proximal data step: trade the data against the prior's estimate."""

from torch import Tensor

from inverse.denoise import LINEAR, DataStep, linear_operator, matched_variance, noise_variance
from inverse.levels import Level
from operators import Problem, Rng


class Prox(DataStep):
    """The image that fits the estimate and the data best, each by its own uncertainty.

    `argmin_x ||y - A x||^2 / (2 sigma_y^2) + ||x - x0||^2 / (2 r^2)`, `r^2 = nsr^2 / lam`.

    With a `data_variance` v, of the images themselves, `r^2 = nsr^2 / (1 + nsr^2 / v) / lam`.

    This is the posterior mean when x0 given the state is Gaussian of variance r^2; closed form
    wherever the operator has a closed-form `gram_solve`.

    Reference: Zhu et al., 2023, arXiv:2305.08995, eq. 11 (DiffPIR), lam as there.

    Raises:
        ValueError: if `lam` is not positive.
        TypeError: for a nonlinear operator.
    """

    requires = frozenset({LINEAR})

    def __init__(self, lam: float = 1.0, data_variance: float | None = None) -> None:
        if lam <= 0:
            raise ValueError(f"Prox: lam must be positive, got {lam}")
        self.lam, self.data_variance = lam, data_variance

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        operator = linear_operator(problem, "Prox")
        variance = matched_variance(level, self.data_variance)
        weight = noise_variance(problem) * (self.lam / variance)
        return operator.prox(x0, problem.y, weight)
