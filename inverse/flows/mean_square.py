"""FlowChef: a nudge down the gradient of the squared residual, taken at the estimate."""

from torch import Tensor

from inverse.denoise import DataFlow, Evaluation
from inverse.levels import Level


class MeanSquare(DataFlow):
    """``x_b <- x_b - scale grad_x0 ||y - A x0||^2 / m``, m how many values were measured.

    No backward pass through the network. The nudge shrinks with the residual; with A it is stable
    below ``scale = m / ||A||^2``.

    Reference: Patel et al., 2024, arXiv:2412.00100, Alg. 1.

    Raises:
        ValueError: for a negative scale.
    """

    def __init__(self, scale: float = 500.0) -> None:
        if scale < 0:
            raise ValueError(f"MeanSquare: scale must not be negative, got {scale}")
        self.scale = scale

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        def loss(x0: Tensor) -> Tensor:
            return ev.problem.residual(x0).square().flatten(1).sum(1) / ev.problem.measured

        return ev.slope(loss) * (-self.scale * fraction / b.alpha)
