"""Guided flows to be integrated: what guides them, and the integrators."""

from benchmarks.guided.classifier import Classifier, accuracy, trained
from benchmarks.guided.kinds import Kind, kinds
from benchmarks.guided.methods import METHODS

__all__ = ["METHODS", "Classifier", "Kind", "accuracy", "kinds", "trained"]
