"""Data flows: maps of states x -> x through which the data enter, and likelihood scores."""

from inverse.flows.flat import Flat
from inverse.flows.norm import Norm
from inverse.flows.pinv import Pinv, PinvScore
from inverse.flows.replace import Replace
from inverse.flows.score import ScoreFlow
from inverse.flows.step import Stepped

__all__ = [
    "Flat",
    "Norm",
    "Pinv",
    "PinvScore",
    "Replace",
    "ScoreFlow",
]
__all__ = ["Norm", "Pinv", "PinvScore", "ScoreFlow", "Stepped"]
