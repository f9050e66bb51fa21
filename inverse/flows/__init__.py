"""Data flows: maps of states x -> x through which the data enter, and likelihood scores."""

from inverse.flows.moments import MomentScore, RowSumScore
from inverse.flows.norm import Norm
from inverse.flows.pinv import Pinv, PinvScore
from inverse.flows.replace import Replace
from inverse.flows.score import ScoreFlow

__all__ = [
    "MomentScore",
    "Norm",
    "Pinv",
    "PinvScore",
    "Replace",
    "RowSumScore",
    "ScoreFlow",
]
