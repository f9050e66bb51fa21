"""From a photograph to its problem, its samples and their report."""

from inverse.restoring.cases import Build, Case, measurements, simulated, simulations
from inverse.restoring.reading import Place, Reading, photograph, photographs, skipped
from inverse.restoring.report import Report, peak_memory_mb
from inverse.restoring.writing import Outputs

__all__ = [
    "Build",
    "Case",
    "Outputs",
    "Place",
    "Reading",
    "Report",
    "measurements",
    "peak_memory_mb",
    "photograph",
    "photographs",
    "simulated",
    "simulations",
    "skipped",
]
