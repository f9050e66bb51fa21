"""Flower: a flow's destination, refined by the data, set back on its path."""

from inverse.denoise import Conditioned, Prior
from inverse.samplers import Process, flow_grid
from inverse.steps import Prox, Sample
from inverse.transitions import Renoise


def flower(prior: Prior, *, steps: int = 100, draw: bool = False, shift: float = 1.0) -> Process:
    """Refine where the flow would end by the data, and go back on its path with fresh noise.

    `x1 = x + (1 - t) v`, `x1' = argmin ||y - A x||^2 / sigma_y^2 + ||x - x1||^2 / r^2`,
    `r^2 = (1 - t)^2 / (t^2 + (1 - t)^2)`, `x_u = u x1' + (1 - u) n` at the next time u, t from 0
    to 1 in even steps.

    r^2 is the variance that x1 has given the state where images are N(0, I). With `draw` x1' is a
    draw of that Gaussian (the paper's step 2, "Flower-cov" in the release), without one its mean.
    Linear operators, closed forms where they have one; no backward pass. For flows, but any prior
    serves: the state is rescaled to their path.

    Reference: Pourya et al., 2026, arXiv:2509.26287, and its released code: 100 steps, no draws.
    Departure: the release averages five such runs; here that is `samples=5` and their mean.
    """
    step = Sample(1.0, data_variance=1.0) if draw else Prox(1.0, data_variance=1.0)
    return Process(Conditioned(prior, step), Renoise(1.0), flow_grid(steps, shift))
