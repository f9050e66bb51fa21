"""Data steps: maps of estimates x0 -> x0 through which the data enter."""

from inverse.steps.langevin import Langevin
from inverse.steps.lift import Lift
from inverse.steps.project import Project
from inverse.steps.prox import Prox
from inverse.steps.sample import Sample

__all__ = [
    "Langevin",
    "Lift",
    "Project",
    "Prox",
    "Sample",
]
