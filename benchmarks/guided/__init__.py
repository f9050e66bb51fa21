"""Guided flows to be integrated: what guides them, and the integrators."""

from benchmarks.guided.classifier import accuracy, trained
from benchmarks.guided.kinds import KINDS, Kind
from benchmarks.guided.methods import METHODS, WARM

__all__ = ["KINDS", "METHODS", "WARM", "Kind", "accuracy", "trained"]
