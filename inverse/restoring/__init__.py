"""From a photograph to its problem, its samples and their report."""

from inverse.restoring.cases import Build, Case, measurements, simulated, simulations
from inverse.restoring.errorbars import ErrorBars
from inverse.restoring.footage import Footage, filmed, recorded
from inverse.restoring.reading import Place, Reading, photograph, photographs, skipped, truths_of
from inverse.restoring.report import Report, kept, peak_memory_mb
from inverse.restoring.screening import Screening, suffix_like
from inverse.restoring.writing import Outputs

__all__ = [
    "Build",
    "Case",
    "ErrorBars",
    "Footage",
    "Outputs",
    "Place",
    "Reading",
    "Report",
    "Screening",
    "filmed",
    "kept",
    "measurements",
    "peak_memory_mb",
    "photograph",
    "photographs",
    "recorded",
    "simulated",
    "simulations",
    "skipped",
    "suffix_like",
    "truths_of",
]
