"""From a photograph to its restoration and report."""

from inverse.restoring.reading import crop_to_multiple, photograph, photographs
from inverse.restoring.report import Report, peak_memory_mb

__all__ = ["Report", "crop_to_multiple", "peak_memory_mb", "photograph", "photographs"]
