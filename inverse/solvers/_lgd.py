"""LGD-MC: loss-guided diffusion by Monte Carlo."""

import torch
from torch import Tensor

from inverse.denoise import DataFlow, Evaluation, Prior, matched_variance
from inverse.levels import Level, vp_grid
from inverse.samplers import Process
from inverse.transitions import DDIM


class SmoothNorm(DataFlow):
    """LGD's guidance: the gradient of the residual's norm, smoothed over draws of the estimate.

    `x_b <- x_b + grad_x log (1/n) sum_i exp(-zeta ||y - A (x0(x) + r e_i)||)`.

    `e_i ~ N(0, I)`, `r^2 = nsr^2 / (1 + nsr^2 / data_variance)`; the norm is per sample. One
    backward pass through the network whatever n is. With n = 1 and r = 0 it is `Norm`.

    Raises:
        ValueError: for a negative zeta or fewer than one draw.
    """

    differentiable = True

    def __init__(self, zeta: float, draws: int = 10, data_variance: float = 1.0) -> None:
        if zeta < 0 or draws < 1:
            raise ValueError(
                f"SmoothNorm: need zeta >= 0 and draws >= 1, got zeta={zeta}, draws={draws}"
            )
        self.zeta, self.draws, self.data_variance = zeta, draws, data_variance

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        shape = (len(ev.x), self.draws, *ev.x.shape[1:])
        spread = matched_variance(ev.level, self.data_variance) ** 0.5
        around = ev.rng.normal(shape).mul_(spread).unbind(1)

        def loss(x0: Tensor) -> Tensor:
            norms = [ev.problem.residual(x0 + e).flatten(1).norm(dim=1) for e in around]
            return -torch.logsumexp(torch.stack(norms) * -self.zeta, 0)

        return ev.gradient(loss) * (-fraction / b.alpha)


def lgd(
    prior: Prior, *, steps: int = 1000, zeta: float = 0.3, draws: int = 10, eta: float = 1.0
) -> Process:
    """DPS with its loss averaged over plausible clean images instead of taken at their mean.

    `x_b = DDPM(x, x0) + grad_x log (1/n) sum_i exp(-zeta ||y - A (x0(x) + r e_i)||)`,
    `r^2 = nsr^2 / (1 + nsr^2)`, `e_i ~ N(0, I)`, n = `draws`. Any differentiable operator;
    one backward pass through the network per step.

    Reference: Song et al., 2023, ICML, "Loss-Guided Diffusion Models for Plug-and-Play Controllable
    Generation" (LGD-MC; no released code; the paper's loss is free, here it is that of DPS, whose
    zeta it takes).
    Departures: none known from the paper; the best-known port (InverseBench) averages the losses'
    gradients instead of taking the log-mean-exp.
    """
    grid = vp_grid(steps)
    return Process(prior, DDIM(eta), grid, flow=SmoothNorm(zeta, draws))
