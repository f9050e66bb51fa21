"""Moment matching: likelihood scores with the covariance of x0 given x, by Tweedie's formula."""

import torch
from torch import Tensor

from inverse.denoise import LINEAR, Evaluation, Score, linear_operator, noise_variance
from operators.solve import column, dot, gmres


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
