"""The path from image to noise: levels, walks down them, splittings. Plain floats."""

from inverse.levels.given import Levels
from inverse.levels.grids import SPACINGS, Grid, Growing, Ladder, Passes, Walk, vp_grid
from inverse.levels.paths import Listed, Path, Spread
from inverse.levels.residual import Residual, Shift
from inverse.levels.schedules import CLEAN, VE, VP, Cosine, Discrete, Flow, Level
from inverse.levels.splittings import DATA_FIRST, LIE, STRANG, UNSPLIT, Splitting, splitting
from inverse.levels.unknown import UNKNOWN, Unbounded

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
    "Levels",
    "Listed",
    "Passes",
    "Path",
    "Residual",
    "SPACINGS",
    "STRANG",
    "Shift",
    "Splitting",
    "Spread",
    "UNKNOWN",
    "UNSPLIT",
    "Unbounded",
    "VE",
    "VP",
    "Walk",
    "splitting",
    "vp_grid",
]
