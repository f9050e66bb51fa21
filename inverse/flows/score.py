"""A data flow integrated from a likelihood score."""

from torch import Tensor

from inverse.denoise import DataFlow, Evaluation, Score
from inverse.levels import VP, Level


class ScoreFlow(DataFlow):
    """The flow of a score of the data, for splittings and for guided samplers.

    `d(x / alpha) / d nsr = -(1 + eta^2) nsr alpha score(x)` at the evaluation's own level.

    The factor `1 + eta^2` belongs to a transition of stochasticity eta: the reverse SDE follows
    the score that much faster than the probability flow. `midpoint` is second order and costs a
    second evaluation.

    `early` takes `nsr alpha = sigma` where the sub-interval begins, on a variance preserving
    path, and a clean state for one of the level that its step began at, where there is a score;
    else nothing flows there. So STSP's code does.

    Reference: Song et al., 2021, arXiv:2011.13456, eq. 6 and 13; early: Wizadwongsa and
    Suwajanakorn, 2023, arXiv:2301.11558, as released.
    """

    def __init__(
        self, score: Score, *, midpoint: bool = False, eta: float = 0.0, early: bool = False
    ) -> None:
        self.score, self.midpoint, self.eta, self.early = score, midpoint, eta, early
        self.differentiable, self.requires = score.differentiable, score.requires

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        sigma = VP().at(a.nsr).sigma if self.early else ev.level.sigma
        if ev.level.sigma == 0 and self.early:
            ev = ev.at(ev.x, VP().at(a.nsr / fraction))  # b is clean: so much nsr the step spans
        elif ev.level.sigma == 0:
            return ev.x.new_zeros(()).expand_as(ev.x)
        size = (1 + self.eta**2) * (a.nsr - b.nsr) * sigma
        move = self.score(ev) * size
        if self.midpoint:
            halfway = ev.at(ev.x + (ev.level.alpha / 2) * move, ev.level)
            move = self.score(halfway) * size
        return move
