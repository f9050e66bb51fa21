"""The guided flows: what is to be drawn, and the score that guides it there."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.baselines.tasks import TASKS, crops
from benchmarks.guided.classifier import CLASSES, trained
from benchmarks.quality import problems
from inverse.denoise import Evaluation, Score
from inverse.flows import PinvScore
from inverse.levels import VP
from inverse.priors import ClassifierScore
from operators import LinearOperator, Problem, gaussian, greyscale, identity, seed_for

LABEL, WEIGHT = "Leopards", 4.0


class NormScore(Score):
    """DPS as a flow: ``-(2 zeta N / beta(t)) grad_x ||y - A x0||``.

    Over dt of the VP path the probability flow moves x by ``beta dt / 2`` times the score: so a
    walk in N even steps nudges by zeta each time, as published, and one in fewer steps by more.

    Reference: Chung et al., 2023, arXiv:2209.14687, Alg. 1, N = 1000.
    """

    def __init__(self, zeta: float, steps: int = 1000) -> None:
        self.size = 2 * zeta * steps

    def __call__(self, ev: Evaluation) -> Tensor:
        path = VP()
        beta = path.beta_min + path.time(ev.level.nsr) * (path.beta_max - path.beta_min)

        def loss(x0: Tensor) -> Tensor:
            return torch.linalg.vector_norm(ev.problem.residual(x0).flatten(1), dim=1)

        return ev.gradient(loss) * (-self.size / beta)


@dataclass(frozen=True)
class Kind:
    """One guided flow: the score, the problem, the samples' seeds; the truth where there is one."""

    score: Score
    problem: Problem
    seeds: list[int]
    truth: Tensor | None


def colour(shape: tuple[int, ...], seed: int) -> LinearOperator:
    """The mean of the channels."""
    return greyscale(shape)


def _classed(count: int, side: int) -> Kind:
    score = ClassifierScore(trained(0, side), CLASSES.index(LABEL), WEIGHT)
    shape = (3, side, side)
    nothing = Problem(identity(shape), gaussian(1.0), torch.zeros(count, *shape))
    return Kind(score, nothing, [seed_for(0, "class", k) for k in range(count)], None)


def _restoring(task: str, make: Callable, score: Score) -> Callable[[int, int], Kind]:
    def kind(count: int, side: int) -> Kind:
        ((images, problem, seeds),) = problems(task, crops(count, side), make)
        return Kind(score, problem, seeds, images)

    return kind


KINDS: dict[str, Callable[[int, int], Kind]] = {
    "superres DPS": _restoring("superres", TASKS["superres"], NormScore(0.3)),
    "class": _classed,
    "inpaint PiGDM": _restoring("inpaint", TASKS["inpaint"], PinvScore()),
    "colour DPS": _restoring("colour", colour, NormScore(0.1)),
}
"""Each from how many pictures (at most 4) and their side."""
