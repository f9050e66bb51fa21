"""Likelihood scores, of x0 given x as one Gaussian or another, and the flows they drive."""

import torch
from torch import Tensor

from inverse.denoise import (
    LINEAR,
    DataFlow,
    Evaluation,
    Score,
    linear_operator,
    matched_variance,
    noise_variance,
)
from inverse.levels import VP, Level
from operators.solve import column, dot, gmres


class PinvScore(Score):
    """PiGDM's score of the data, under white uncertainty of the estimate.

    `grad_x log p(y | x) = J^T A^T (r^2 A A^T + sigma_y^2 I)^{-1} (y - A x0)`.

    Exact for a Gaussian prior whose conditional variance is `r^2 I`.

    Reference: Song et al., 2023, ICLR (PiGDM), eq. 7; r^2 of `matched_variance`.

    Raises:
        TypeError: when the operator is not linear.
    """

    requires = frozenset({LINEAR})

    def __init__(self, data_variance: float | None = 1.0, jacobian: bool = True) -> None:
        self.data_variance, self.differentiable = data_variance, jacobian

    def __call__(self, ev: Evaluation) -> Tensor:
        operator = linear_operator(ev.problem, "PinvScore")
        variance = matched_variance(ev.level, self.data_variance)
        back = operator.adjoint(ev.problem.residual(ev.estimate.x0))
        v = operator.gram_solve(back, noise_variance(ev.problem) / variance) / variance
        return ev.pullback(v) if self.differentiable else v / ev.level.alpha


class Pinv(DataFlow):
    """PiGDM's nudge: `x_b <- x_b + alpha_b alpha_a r^2 score`, or undamped, without alpha_b.

    Reference: Song et al., 2023, ICLR, Alg. 1 (undamped; its g is r^2 times the score); released
    in the repository of Mardani et al., 2023, arXiv:2305.04391 (RED-diff), damped by default.
    """

    differentiable = True
    requires = frozenset({LINEAR})

    def __init__(self, data_variance: float | None = 1.0, damped: bool = True) -> None:
        self.score, self.damped = PinvScore(data_variance), damped

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        scale = ev.level.alpha * matched_variance(ev.level, self.score.data_variance)
        return self.score(ev) * (scale * fraction / (1.0 if self.damped else b.alpha))


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


class MomentScore(Score):
    """The score of the data under the denoiser's own second moment.

    `J^T A^T (A C A^T + sigma_y^2 I)^{-1} (y - A x0)`, `C = sigma^2 / alpha J^T`.

    C is the covariance of x0 given x for an exact denoiser, whose J is symmetric, and the score
    then exact for a Gaussian prior once `iterations` reaches the number of measurements. One
    backward pass per iteration and one more. The solve minimises the residual (GMRES): the J of a
    trained network is neither symmetric nor positive, so that conjugate gradients, as published,
    can diverge after a few iterations.

    Reference: Rozet et al., 2024, arXiv:2405.13712 (MMPS); Boys et al., 2023, arXiv:2310.06721
    (TMPD, which solves densely).

    Raises:
        TypeError: when the operator is not linear.
        ValueError: for fewer than one iteration.
    """

    requires = frozenset({LINEAR})

    def __init__(self, iterations: int = 3) -> None:
        if iterations < 1:
            raise ValueError(f"MomentScore: iterations must be at least 1, got {iterations}")
        self.iterations = iterations

    def __call__(self, ev: Evaluation) -> Tensor:
        operator = linear_operator(ev.problem, "MomentScore")
        noise = column(noise_variance(ev.problem), ev.problem.y)

        def spread(v: Tensor) -> Tensor:
            return operator(ev.covariance(operator.adjoint(v))) + noise * v

        v = gmres(spread, ev.problem.residual(ev.estimate.x0), self.iterations)
        return ev.pullback(operator.adjoint(v))


class RowSumScore(Score):
    """The score of the data under the row sums of the denoiser's second moment.

    `MomentScore` with `A C A^T` replaced by the diagonal of its row sums, `A C A^T 1`.

    Two backward passes; exact where `A C A^T` is diagonal. With a network's Jacobian some row
    sums come out near zero or negative, and a division by them would explode: they are raised to
    `floor` times their mean over the sample's measurements, and the score is scaled down by t,
    the number in [0, 1] that best solves `t (A C A^T + sigma_y^2 I) v = y - A x0`: 1 where the
    diagonal is exact (and no entry below the floor) and, for a trained prior, nearly always.

    Reference: Boys et al., 2023, arXiv:2310.06721 (TMPD, the diagonal approximation).

    Raises:
        TypeError: when the operator is not linear.
        ValueError: for a negative floor.
    """

    requires = frozenset({LINEAR})

    def __init__(self, floor: float = 0.1) -> None:
        if floor < 0:
            raise ValueError(f"RowSumScore: floor must not be negative, got {floor}")
        self.floor = floor

    def __call__(self, ev: Evaluation) -> Tensor:
        problem, operator = ev.problem, linear_operator(ev.problem, "RowSumScore")
        ones = operator.support(problem.y.new_ones(()).expand_as(problem.y))
        sums = operator.support(operator(ev.covariance(operator.adjoint(ones))))
        least = sums.flatten(1).sum(1) * (self.floor / problem.measured)
        sums = sums.flatten(1).maximum(least.clamp_min(0)[:, None]).view_as(sums)
        noise = column(noise_variance(problem), sums)
        rest = problem.residual(ev.estimate.x0)
        v = rest / (sums + noise)
        score = ev.pullback(operator.adjoint(v))
        image = operator(score * (ev.level.sigma**2 / ev.level.alpha)) + noise * v
        fit = dot(rest, image) / dot(image, image).clamp_min(torch.finfo(v.dtype).tiny)
        return score * column(fit.clamp(0, 1), score)
