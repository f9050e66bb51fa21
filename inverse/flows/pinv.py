"""PiGDM: the likelihood score when x0 given x is a Gaussian of variance r^2."""

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
from inverse.levels import Level


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
