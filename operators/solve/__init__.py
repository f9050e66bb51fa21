"""Iterative linear algebra over batches: every sample is solved on its own."""

from operators.solve.conjugate import cg, cgls, column, dot, largest_eigenvalue, widest
from operators.solve.gradients import difference, paired
from operators.solve.krylov import arnoldi, gmres

__all__ = [
    "arnoldi",
    "cg",
    "cgls",
    "column",
    "difference",
    "dot",
    "gmres",
    "largest_eigenvalue",
    "paired",
    "widest",
]
