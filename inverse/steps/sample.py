"""Exact-draw data step: the random sibling of the proximal step."""

from torch import Tensor

from inverse.denoise import LINEAR, DataStep, linear_operator
from inverse.levels import Level
from operators import Problem, Rng


class Sample(DataStep):
    """A draw of `z ~ exp(-||y - A z||^2 / (2 sigma_y^2) - ||z - x0||^2 / (2 r^2))`.

    `r^2 = nsr^2 / lam`, as in `Prox`, whose result is the mean of this Gaussian. Exact, by
    perturbing and solving (`LinearOperator.posterior_sample`), without noise too.

    Reference: Wu et al., 2024, arXiv:2405.18782 (the likelihood step of PnP-DM).

    Raises:
        ValueError: if `lam` is not positive.
        Unfit: for a nonlinear operator.
    """

    requires = frozenset({LINEAR})

    def __init__(self, lam: float = 1.0) -> None:
        if lam <= 0:
            raise ValueError(f"Sample: lam must be positive, got {lam}")
        self.lam = lam

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        operator = linear_operator(problem, "Sample")
        return operator.posterior_sample(x0, problem.y, problem.sigma, level.nsr**2 / self.lam, rng)
