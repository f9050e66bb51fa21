"""What data steps, flows and starts need to know of a linear-Gaussian problem."""

from torch import Tensor

from inverse.needs import LINEAR, check
from operators import LinearOperator, Problem


def linear_operator(problem: Problem, who: str) -> LinearOperator:
    """The problem's operator, which must be linear.

    Raises:
        Unfit: naming ``who`` asked and what operator it got.
    """
    check(frozenset({LINEAR}), problem, who)
    assert isinstance(problem.operator, LinearOperator)
    return problem.operator


SIGMA_FLOOR = 1e-3
"""Smallest noise standard deviation used in a division, as in DiffPIR's released code."""


def noise_variance(problem: Problem) -> float | Tensor:
    """``sigma_y^2`` (float, or one value per sample), not below ``SIGMA_FLOOR^2``."""
    sigma = problem.noise.sigma
    if isinstance(sigma, Tensor):
        return sigma.clamp_min(SIGMA_FLOOR) ** 2
    return max(sigma, SIGMA_FLOOR) ** 2
