"""LGD-MC: loss-guided diffusion by Monte Carlo."""

from inverse.denoise import Prior
from inverse.flows import SmoothNorm
from inverse.levels import VP, Grid
from inverse.samplers import Process
from inverse.transitions import DDIM


def lgd(
    prior: Prior, *, steps: int = 1000, zeta: float = 0.3, draws: int = 10, eta: float = 1.0
) -> Process:
    """DPS with its loss averaged over plausible clean images instead of taken at their mean.

    ``x_b = DDPM(x, x0) + grad_x log (1/n) sum_i exp(-zeta ||y - A (x0(x) + r e_i)||)``,
    ``r^2 = nsr^2 / (1 + nsr^2)``, ``e_i ~ N(0, I)``, n = ``draws``. Any differentiable operator;
    one backward pass through the network per step.

    Reference: Song et al., 2023, ICML, "Loss-Guided Diffusion Models for Plug-and-Play Controllable
    Generation" (LGD-MC; no released code; the paper's loss is free, here it is that of DPS, whose
    zeta it takes).
    Departures: none known from the paper; the best-known port (InverseBench) averages the losses'
    gradients instead of taking the log-mean-exp.
    """
    grid = Grid(steps, VP(), start=150.0, end=0.01, spacing="time")
    return Process(prior, DDIM(eta), grid, flow=SmoothNorm(zeta, draws))
