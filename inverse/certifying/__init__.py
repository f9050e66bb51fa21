"""Is a posterior sample a posterior sample? Problems whose posterior is known, and verdicts."""

from inverse.certifying.certificate import page
from inverse.certifying.dense import Dense
from inverse.certifying.laws import LAWS, Law
from inverse.certifying.measuring import (
    Draw,
    Drawn,
    called,
    compare,
    control,
    examine,
    sampled,
    verdict,
)
from inverse.certifying.problems import TASKS, Trial, mixture, trials, walk
from inverse.certifying.walks import WalkPrior

__all__ = [
    "LAWS",
    "TASKS",
    "Dense",
    "Draw",
    "Drawn",
    "Law",
    "Trial",
    "WalkPrior",
    "called",
    "compare",
    "control",
    "examine",
    "mixture",
    "page",
    "sampled",
    "trials",
    "verdict",
    "walk",
]
