"""The path from image to noise: levels, walks down them, splittings. Plain floats."""

from inverse.levels.grids import SPACINGS, Grid, Growing, Ladder, Passes, Walk, vp_grid
from inverse.levels.schedules import CLEAN, VE, VP, Cosine, Discrete, Flow, Level
from inverse.levels.splittings import DATA_FIRST, LIE, STRANG, UNSPLIT, Splitting, splitting

__all__ = [
    "CLEAN",
    "Cosine",
    "DATA_FIRST",
    "Discrete",
    "Flow",
    "Grid",
    "Growing",
    "LIE",
    "Ladder",
    "Level",
    "Passes",
    "SPACINGS",
    "STRANG",
    "Splitting",
    "UNSPLIT",
    "VE",
    "VP",
    "Walk",
    "splitting",
    "vp_grid",
]
