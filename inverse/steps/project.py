"""Range-null projection: replace what the data determine, keep the rest."""

from torch import Tensor

from inverse.denoise import LINEAR, DataStep, linear_operator
from inverse.levels import Level
from operators import Problem, Rng


class Project(DataStep):
    """The nearest image that reproduces the data exactly.

    `x0 + A^+ (y - A x0)`.

    Reference: Wang et al., 2022, arXiv:2212.00490, eq. 13 (DDNM); for noiseless data.

    Raises:
        TypeError: for a nonlinear operator.
    """

    requires = frozenset({LINEAR})

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        operator = linear_operator(problem, "Project")
        return x0 + operator.pinv(problem.residual(x0))
