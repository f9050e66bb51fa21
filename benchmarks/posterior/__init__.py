"""Problems whose posterior is known exactly, and how far a solver's samples are from it."""

from benchmarks.posterior.measures import MEASURES, distances
from benchmarks.posterior.measuring import measure
from benchmarks.posterior.methods import METHODS
from benchmarks.posterior.problems import PROTOCOLS, Instance, Protocol, instance

__all__ = [
    "MEASURES",
    "METHODS",
    "PROTOCOLS",
    "Instance",
    "Protocol",
    "distances",
    "instance",
    "measure",
]
