"""FlowDPS: a few gradient steps on the data, blended with the estimate they started from."""

import torch
from torch import Tensor

from inverse.denoise import DataStep
from inverse.levels import Level
from operators import Problem, Rng


class Descend(DataStep):
    """``x0' = (1 - t) x0 + t x``, x after ``steps`` of ``x <- x - rate grad ||y - A x||``.

    From x = x0; the norm is per sample, t = sigma / (alpha + sigma) the time of a flow. Any
    differentiable operator, no backward pass through the network. A step's length does not follow
    the residual: it suits one image size and operator.

    Reference: Kim et al., 2025, arXiv:2503.08136, Alg. 1.

    Raises:
        ValueError: for fewer than one step or a negative rate.
    """

    def __init__(self, steps: int = 3, rate: float = 15.0) -> None:
        if steps < 1 or rate < 0:
            raise ValueError(f"Descend: need steps >= 1 and rate >= 0, got {steps} and {rate}")
        self.steps, self.rate = steps, rate

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        x = x0.detach()
        for _ in range(self.steps):
            with torch.enable_grad():
                leaf = x.requires_grad_()
                loss = torch.linalg.vector_norm(problem.residual(leaf).flatten(1), dim=1).sum()
            x = x.detach() - self.rate * torch.autograd.grad(loss, leaf)[0]
        return torch.lerp(x0, x, level.sigma / (level.alpha + level.sigma))
