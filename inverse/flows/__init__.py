"""Data flows: maps of states x -> x through which the data enter, and likelihood scores."""

from inverse.flows.flat import Flat
from inverse.flows.glue import Glue
from inverse.flows.mean_square import MeanSquare
from inverse.flows.moments import MomentScore, RowSumScore
from inverse.flows.norm import Norm
from inverse.flows.pinv import Pinv, PinvScore
from inverse.flows.replace import Replace
from inverse.flows.score import ScoreFlow
from inverse.flows.smooth import SmoothNorm
from inverse.flows.step import Stepped

__all__ = [
    "Flat",
    "Glue",
    "MeanSquare",
    "MomentScore",
    "Norm",
    "Pinv",
    "PinvScore",
    "Replace",
    "RowSumScore",
    "ScoreFlow",
    "SmoothNorm",
    "Stepped",
]
