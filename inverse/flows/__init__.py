"""Data flows: maps of states x -> x through which the data enter, and likelihood scores."""

from inverse.flows.norm import Norm
from inverse.flows.replace import Replace
from inverse.flows.scores import MomentScore, Pinv, PinvScore, RowSumScore, ScoreFlow

__all__ = [
    "MomentScore",
    "Norm",
    "Pinv",
    "PinvScore",
    "Replace",
    "RowSumScore",
    "ScoreFlow",
]
