"""The integrators: unsplit, split as published, and ours."""

from collections.abc import Callable
from dataclasses import dataclass

from inverse.denoise import Guided, Prior, Score, Transition
from inverse.flows import ScoreFlow
from inverse.levels import DATA_FIRST, Grid, vp_grid
from inverse.samplers import Process
from inverse.solvers import guided_flow
from inverse.transitions import DDIM, DPMSolver2M, Heun, Momentum, Multistep


@dataclass(frozen=True)
class Method:
    """How a sampler is made from (prior, score, steps), and with how many steps it is tried."""

    make: Callable[[Prior, Score, int], Process]
    steps: tuple[int, ...]


def _grid(steps: int, spacing: str) -> Grid:
    return vp_grid(steps, spacing=spacing)


def _unsplit(rule: Transition, steps: tuple[int, ...], spacing: str = "time") -> Method:
    """The guidance in the estimate that the rule sees."""
    return Method(lambda p, s, n: Process(Guided(p, s), rule, _grid(n, spacing)), steps)


def _split(rule: Transition, split: str, steps: tuple[int, ...], corrected: bool = False) -> Method:
    """LTSP is data first, then prior, as released; STSP is Strang's."""
    spacing = "edm" if corrected else "time"
    stages = DATA_FIRST if split == "lie" else split

    def make(prior: Prior, score: Score, n: int) -> Process:
        flow = ScoreFlow(score, midpoint=corrected)
        return Process(prior, rule, _grid(n, spacing), flow, stages)

    return Method(make, steps)


def _switched(prior: Prior, score: Score, steps: int) -> Process:
    """DDIM where the guidance is stiff, for three quarters of the steps; DPM-Solver++(2M) below."""
    return _flow(prior, score, steps // 4, stiff=steps - steps // 4)


def _flow(prior: Prior, score: Score, steps: int, stiff: int = 0) -> Process:
    """`inverse.solvers.guided_flow` under another score than PiGDM's."""
    like = guided_flow(prior, steps=steps, stiff=stiff)
    return Process(Guided(prior, score), like.transition, like.grid, start=like.start)


_FEW, _SOME, _MORE = (10, 25), (10, 25, 50), (10, 25, 50, 100)
METHODS: dict[str, Method] = {
    "DDIM": _unsplit(DDIM(0.0), (10, 25, 50, 125, 250, 1000)),
    "PLMS2": _unsplit(Multistep(2), _MORE),
    "PLMS4": _unsplit(Multistep(4), _SOME),
    "DPM++ 2M": _unsplit(DPMSolver2M(), _MORE),
    "LTSP2": _split(Multistep(2), "lie", _FEW),
    "LTSP4": _split(Multistep(4), "lie", _SOME),
    "STSP2": _split(Multistep(2), "strang", _FEW),
    "STSP4": _split(Multistep(4), "strang", _FEW),
    "STSP corrected": _split(Heun(), "strang", (6, 12), corrected=True),
    "DPM++ 2M edm": _unsplit(DPMSolver2M(), _SOME, "edm"),
    "GHVB2 0.8": _unsplit(Momentum(2, 0.8), _FEW),
    "switched": Method(_switched, (20, 40, 60, 80, 100)),
}
"""Integrator by name; `inverse.solvers.ltsp`, `stsp` and `guided_flow` (stiff = 3 steps) are these
with PiGDM's score."""
WARM = Method(_flow, (10, 15, 25))
"""The lower part of that flow, started at a Wiener restoration: the same score, other draws."""
