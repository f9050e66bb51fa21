"""From a photograph to its problem, its samples and their report."""

from inverse.restoring.cases import Build, Case, measured, simulated, simulations
from inverse.restoring.reading import photograph, photographs
from inverse.restoring.report import Report, peak_memory_mb

__all__ = [
    "Build",
    "Case",
    "Report",
    "measured",
    "peak_memory_mb",
    "photograph",
    "photographs",
    "simulated",
    "simulations",
]
