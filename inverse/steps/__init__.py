"""Data steps: maps of estimates x0 -> x0 through which the data enter."""

from inverse.steps.feasible import Feasible
from inverse.steps.langevin import Langevin
from inverse.steps.prox import Lift, Project, Prox, Sample
from inverse.steps.temporal import TemporalProx

__all__ = [
    "Feasible",
    "Langevin",
    "Lift",
    "Project",
    "Prox",
    "Sample",
    "TemporalProx",
]
