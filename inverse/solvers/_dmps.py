"""DMPS: diffusion model based posterior sampling."""

from torch import Tensor

from inverse.denoise import LINEAR, DataFlow, Evaluation, Prior, linear_operator, noise_variance
from inverse.levels import Level, vp_grid
from inverse.samplers import Process
from inverse.transitions import DDIM


class Flat(DataFlow):
    """DMPS's guidance: the score of the data as if the prior were flat.

    `x_b <- x_b + lam (1 - r) / sqrt(r) g`, `r = (alpha_a / alpha_b)^2` on a VP path, with
    `g = A^T (sigma_y^2 I + nsr^2 A A^T)^{-1} (y - A x / alpha) / alpha`, the score at level a
    were x0 given x Gaussian with mean x / alpha and variance nsr^2.

    On any path this moves `x / alpha` by `lam (1 - nsr_b^2 / nsr_a^2)` of the way to
    `prox(x / alpha, y, sigma_y^2 / nsr_a^2)`: lam = 1 is the reverse SDE, lam < 2 is stable.

    Raises:
        ValueError: for a negative `lam`.
        Unfit: for a nonlinear operator.
    """

    requires = frozenset({LINEAR})

    def __init__(self, lam: float = 1.75) -> None:
        if lam < 0:
            raise ValueError(f"Flat: lam must not be negative, got {lam}")
        self.lam = lam

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        if ev.level.sigma == 0:
            return ev.x.new_zeros(()).expand_as(ev.x)
        operator, nsr2 = linear_operator(ev.problem, "Flat"), ev.level.nsr**2
        z = ev.x / ev.level.alpha
        near = operator.prox(z, ev.problem.y, noise_variance(ev.problem) / nsr2)
        return (near - z).mul_(self.lam * (a.nsr**2 - b.nsr**2) / nsr2)


def dmps(prior: Prior, *, steps: int = 1000, lam: float = 1.75, eta: float = 1.0) -> Process:
    """An ancestral step plus the likelihood score that a flat prior would give, `lam` times.

    `x_b = DDPM(x, x0) + lam (1 - r) / sqrt(r) g`, `r = (a / a_b)^2`,
    `g = A^T (sigma_y^2 I + nsr^2 A A^T)^{-1} (y - A x / a) / a`. Linear operators, in closed form
    where they have one; no backward pass. Exact, as steps grow, for lam = 1 and a flat prior.
    The paper's sigma_y 0.05 is on [-1, 1], as here.

    Reference: Meng and Kabashima, 2022, arXiv:2211.12343, Alg. 1; lam 1.75 for all tasks.
    Departures: the continuous VP path; g is taken before the step, as in the paper (the released
    code takes it after the step, with the level before it); estimates are not clipped to [-1, 1],
    which is left to the prior.
    """
    grid = vp_grid(steps)
    return Process(prior, DDIM(eta), grid, flow=Flat(lam))
