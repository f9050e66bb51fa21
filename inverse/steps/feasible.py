"""A data step for any operator: into the ball that the noise spans about the measurement."""

import torch
from torch import Tensor

from inverse.denoise import DataStep, matched_variance, noise_level, noise_variance, squares
from inverse.levels import Level
from operators import Operator, Problem, Rng
from operators.solve import column

HALVINGS = 4


class Feasible(DataStep):
    """The image near the estimate that explains the data to within their noise, for any operator.

    `argmin_x ||x - x0||^2` where `||A(x) - y|| <= eps`.

    By splitting (ADMM): from x = x0, u = 0, `v = P(A(x0))`, P the projection on the ball about y,
    `rounds` times `x = argmin ||A(x) - v + u||^2 + w ||x - x0||^2` by `gradients` steps of steepest
    descent (`descend`), then `u <- u + A(x) - v`, `v = P(A(x) + u)`; `w = lam sigma_y^2 / nsr^2` as
    in `Prox`. Where A is linear many rounds tend to the nearest image in the ball, whatever w is;
    few of them leave the estimate its weight.

    Args:
        lam: the weight of the estimate, above 0.
        rounds, gradients: 1 or more.
        eps: the radius, 0 or more; None is `sigma_y sqrt(m)`, m the number of measured values.
        mirrored: begin with `u = A(x0) - v`, so that the first round aims beyond y, at the mirror
            image `2 v - A(x0)` of what the estimate measures.

    Reference: Kim et al., 2026, arXiv:2603.01591 (FAST-DIPS), and its released code, which is
    `mirrored`; its K is `rounds + 1` (its first round moves nothing), its rho is
    `1 / (lam sigma_y^2)`.

    Raises:
        ValueError: for values outside these ranges.
    """

    def __init__(
        self,
        lam: float = 0.18,
        rounds: int = 2,
        gradients: int = 5,
        eps: float | None = None,
        mirrored: bool = False,
    ) -> None:
        if lam <= 0 or rounds < 1 or gradients < 1 or (eps is not None and eps < 0):
            raise ValueError(
                "Feasible: need lam > 0, rounds >= 1, gradients >= 1 and eps >= 0 or null, got "
                f"{lam=}, {rounds=}, {gradients=}, {eps=}"
            )
        self.lam, self.rounds, self.gradients = lam, rounds, gradients
        self.eps, self.mirrored = eps, mirrored

    @torch.no_grad()
    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        operator = problem.operator
        weight = column(noise_variance(problem) * self.lam / matched_variance(level, None), x0)
        x, reached = x0, operator(x0)
        v = self._projected(reached, problem)
        missed = reached - v if self.mirrored else torch.zeros_like(v)
        for _ in range(self.rounds):
            x = descend(operator, x, x0, v - missed, weight, self.gradients)
            reached = operator(x) + missed
            v = self._projected(reached, problem)
            missed = reached - v
        return x

    def _projected(self, reached: Tensor, problem: Problem) -> Tensor:
        """The point (B, *out_shape) of the ball that is nearest."""
        radius = noise_level(problem) * problem.measured**0.5 if self.eps is None else self.eps
        away = reached - problem.y
        length = column(squares(away).sqrt(), away).to(away)
        share = column(radius, away) / length.clamp_min(torch.finfo(away.dtype).tiny)
        return problem.y + away * share.clamp_max(1)


def descend(
    operator: Operator, x: Tensor, x0: Tensor, goal: Tensor, weight: float | Tensor, steps: int
) -> Tensor:
    """Steepest descent from x on `F(x) = ||A(x) - goal||^2 + weight ||x - x0||^2`.

    `x <- x - t g`, `g = J^T (A(x) - goal) + weight (x - x0)`, J the Jacobian of A at x, with the
    step that is best were A linear, `t = ||g||^2 / (||J g||^2 + weight ||g||^2)`, halved per sample
    until F falls, `HALVINGS` times at most; x stays where it does not fall. So where A rounds and J
    takes no notice of it, what lands on the right level moves no more.

    Reference: Kim et al., 2026, arXiv:2603.01591, and its released code, which takes J g as a
    difference, halves eight times and takes the last.
    """

    def misfit(x: Tensor) -> Tensor:
        return column(squares(operator(x) - goal), x) + column(squares(x - x0), x) * weight

    for _ in range(steps):
        gradient, now = operator.vjp(x, operator(x) - goal) + (x - x0) * weight, misfit(x)
        size = column(squares(gradient), x)
        bend = column(squares(operator.jvp(x, gradient)), x) + size * weight
        step = size / bend.clamp_min(torch.finfo(x.dtype).tiny)
        for _ in range(HALVINGS):
            worse = misfit(x - step.to(x) * gradient) > now
            step = torch.where(worse, step / 2, step)
        moved = x - step.to(x) * gradient
        x = torch.where(misfit(moved) > now, x, moved)
    return x
