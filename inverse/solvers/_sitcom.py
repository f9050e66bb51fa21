"""SITCOM: step-wise triple-consistent sampling."""

import torch
from torch import Tensor

from inverse.denoise import (
    BACKWARD,
    Denoiser,
    Estimate,
    Evaluation,
    Prior,
    estimate,
    noise_level,
)
from inverse.levels import Level, vp_grid
from inverse.samplers import Process
from inverse.solvers._adam import adam
from inverse.transitions import Renoise
from operators import Problem, Rng


class InputFit(Denoiser):
    """SITCOM's data step: the network's input is fitted, so that it stays its own regulariser.

    `D(w)` with `w` fitted to the data from w = x: the network stays its own regulariser.

    The last of `iterations` estimates, with a step of Adam between each two of them on
    `||y - A D(w)||^2 + lam ||w - x||^2`, per sample until `||y - A D(w)||^2 < m sigma_y^2`
    with m the number of measured values. Any differentiable operator; `iterations` forward
    passes and one backward pass fewer.

    Reference: Alkhouri et al., 2024, arXiv:2410.04479, Alg. 1.

    Raises:
        ValueError: for fewer than one iteration, a rate that is not positive or a negative lam.
    """

    needs = frozenset({BACKWARD})

    def __init__(self, prior: Prior, iterations: int, rate: float, lam: float) -> None:
        super().__init__()
        if iterations < 1 or rate <= 0 or lam < 0:
            raise ValueError(
                "InputFit: need iterations >= 1, rate > 0 and lam >= 0, got "
                f"{iterations}, {rate} and {lam}"
            )
        self.prior, self.iterations, self.rate, self.lam = prior, iterations, rate, lam

    @torch.no_grad()
    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        goal = problem.measured * noise_level(problem) ** 2

        def misfit(x0: Tensor) -> Tensor:
            return problem.residual(x0).square().flatten(1).sum(1)

        w, moments = x, None
        for _ in range(self.iterations - 1):
            ev = Evaluation(self.prior, w, level, problem, rng, differentiable=True)
            wanting = misfit(ev.estimate.x0) >= goal
            if not bool(wanting.any()):  # a wait for the device, to save a network call
                return estimate(x, ev.estimate.x0, level)
            gradient = ev.gradient(misfit).add_(w - x, alpha=2 * self.lam)
            step, moments = adam(gradient, moments, self.rate)
            w = torch.where(wanting[:, None, None, None], w + step, w)
        return estimate(x, self.prior(w, level, problem, rng).x0, level)


def sitcom(
    prior: Prior,
    *,
    steps: int = 20,
    iterations: int = 30,
    rate: float = 0.02,
    lam: float = 0.0,
) -> Process:
    """At every level: fit the network's input until the data are explained, then fresh noise.

    `w = argmin ||y - A D(w)||^2 + lam ||w - x||^2` (see `InputFit`), `x_b = a_b D(w) + s_b n`.
    Any differentiable operator; at most steps * iterations forward and steps * (iterations - 1)
    backward passes: as released, the estimate that is kept is the one before the last step of Adam.

    Reference: Alkhouri et al., 2024, arXiv:2410.04479, Alg. 1; released: 20 levels, 30 iterations
    at rate 0.02, lam 0.
    Departures: the result is the last iterate (the released scripts keep the one of best PSNR
    against the truth); the fit stops at the noise level of the values that were measured (released:
    (sigma_y + 0.001)^2 over all values, also of masked ones) and per sample; data without noise are
    fitted by the same squared norm (the script for them takes the norm itself, and never stops
    early); no gradient step is added for inpainting, estimates are not clipped.
    """
    grid = vp_grid(steps)
    return Process(InputFit(prior, iterations, rate, lam), Renoise(1), grid)
