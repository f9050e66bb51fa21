"""Expectation maximisation: complete the data with a model, fit the model to them, again."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

M = TypeVar("M")
D = TypeVar("D")


class Lap(NamedTuple):
    """A model after so many laps, and the evidence for it of held-out observations."""

    number: int
    model: Any
    evidence: float


class Cycle(Generic[M, D]):
    """Completes the data with the model and fits the model to that, lap after lap.

    Its product explains the observations better with every lap where both steps are exact. It
    ends after `laps`, or after the first lap that explains no more than one before: a model that
    is drawn from too narrowly or fitted too closely shows it there, not in a training loss. The
    model it begins with does not count, as it may be of another kind: a network's first lap may
    be behind the Gaussian it began with, and go on.

    Args:
        expect: (model, lap) -> the completed data, laps from 1.
        maximise: (model, completed, lap) -> the model fitted to them.
        evidence: of a model, on observations that are held out.

    Reference: Dempster et al., 1977, doi:10.1111/j.2517-6161.1977.tb01600.x; Rozet et al., 2024,
    arXiv:2405.13712, Alg. 1 (of diffusion priors).
    """

    def __init__(
        self,
        expect: Callable[[M, int], D],
        maximise: Callable[[M, D, int], M],
        evidence: Callable[[M], float],
        laps: int,
    ) -> None:
        self.expect, self.maximise, self.evidence, self.laps = expect, maximise, evidence, laps

    def run(self, model: M) -> Iterator[Lap]:
        """Yield the model as it is given (lap 0), and after each lap."""
        yield Lap(0, model, self.evidence(model))
        best = -math.inf
        for number in range(1, self.laps + 1):
            model = self.maximise(model, self.expect(model, number), number)
            lap = Lap(number, model, self.evidence(model))
            yield lap
            if lap.evidence <= best:
                return
            best = lap.evidence
