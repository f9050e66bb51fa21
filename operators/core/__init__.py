"""What an operator is: the base classes, their algebra, their solvers and checks."""

from operators.core.arrays import first_line
from operators.core.diagonal import Diagonal, Identity, identity
from operators.core.linear import LinearOperator, stack
from operators.core.module import Module
from operators.core.operator import Operator
from operators.core.random import Rng, seed_for
from operators.core.sizes import SizeError, multiple_of
from operators.core.spectral import SpectralOperator

__all__ = [
    "Diagonal",
    "Identity",
    "LinearOperator",
    "Module",
    "Operator",
    "Rng",
    "SizeError",
    "SpectralOperator",
    "first_line",
    "identity",
    "multiple_of",
    "seed_for",
    "stack",
]
