"""A data flow integrated from a likelihood score."""

from torch import Tensor

from inverse.denoise import DataFlow, Evaluation, Score
from inverse.levels import Level


class ScoreFlow(DataFlow):
    """``d(x / alpha) / d nsr = -(1 + eta^2) nsr alpha score(x)`` at the evaluation's own level.

    The factor ``1 + eta^2`` belongs to a transition of stochasticity eta: the reverse SDE follows
    the score that much faster than the probability flow. ``midpoint`` is second order and costs a
    second evaluation.

    Reference: Song et al., 2021, arXiv:2011.13456, eq. 6 and 13.
    """

    def __init__(self, score: Score, *, midpoint: bool = False, eta: float = 0.0) -> None:
        self.score, self.midpoint, self.eta = score, midpoint, eta
        self.differentiable, self.requires = score.differentiable, score.requires

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        if ev.level.sigma == 0:
            return ev.x.new_zeros(()).expand_as(ev.x)
        size = (1 + self.eta**2) * (a.nsr - b.nsr) * ev.level.sigma
        move = self.score(ev) * size
        if self.midpoint:
            halfway = ev.at(ev.x + (ev.level.alpha / 2) * move, ev.level)
            move = self.score(halfway) * size
        return move
