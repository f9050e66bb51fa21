"""Iterative linear algebra over batches: every sample is solved on its own."""

from operators.solve.conjugate import cg, cgls, column, dot, largest_eigenvalue, widest
from operators.solve.krylov import arnoldi, gmres
from operators.solve.transposed import paired

__all__ = [
    "arnoldi",
    "cg",
    "cgls",
    "column",
    "dot",
    "gmres",
    "largest_eigenvalue",
    "paired",
    "widest",
]
