"""Langevin data step: a sample of the image given its estimate and the data, for any operator."""

import math

import torch
from torch import Tensor

from inverse.denoise import DataStep, noise_variance, steepness
from inverse.levels import Level
from operators import Problem, Rng
from operators.solve import column


class Langevin(DataStep):
    """Langevin moves of the estimate towards the posterior of a Gaussian about it.

    `steps` moves of x towards `exp(-||y - A x||^2 / (2 tau^2) - ||x - x0||^2 / (2 nsr^2))`.

    From x = x0: `v <- m v - sqrt(h) grad + sqrt(2 (1 - m)) n`, `x <- x + sqrt(h) v`. With
    momentum m = 0 unadjusted Langevin, otherwise damped Hamiltonian dynamics from v ~ N(0, I).
    The step size is `h = rate / (1 / nsr^2 + ||A||^2 / tau^2)`, per sample, with ||A|| that of
    the Jacobian at x0 where A is not linear; from rate = 2 on it diverges. Where nothing is
    measured the moves are a random walk of standard deviation `sqrt(2 h steps / (1 - m))`, and h
    is no larger than keeps it below `walk`: an operator of small norm asks for long steps, which
    would fill its null space with noise. Both bounds fall linearly in `nsr^(1/7)`, from
    `start` to the share `least` of them at `end`.

    Args:
        steps: gradients of the data term.
        rate: share of the largest stable step, above 0 and below 2.
        tau: standard deviation that the data term assumes; None is the problem's sigma_y. Where
            the operator rounds, sigma_y if that is more: a noisy y lies between levels, where no
            image is, and a small tau drives x from one to the next.
        momentum: m in [0, 1).
        start, end: noise-to-signal ratios between which the step size falls.
        walk: on the image's scale; None is no bound.
        least: in (0, 1].

    Reference: Zhang et al., 2024, arXiv:2407.01521, Alg. 1 (DAPS; momentum as in its code).

    Raises:
        ValueError: for values outside these ranges.
    """

    def __init__(
        self,
        steps: int = 100,
        rate: float = 0.1,
        tau: float | None = None,
        momentum: float = 0.0,
        start: float = 100.0,
        end: float = 0.1,
        walk: float | None = None,
        least: float = 0.01,
    ) -> None:
        sound = steps >= 1 and 0 < rate < 2 and 0 <= momentum < 1 and 0 < end < start
        sound = sound and 0 < least <= 1
        if not sound or any(value is not None and value <= 0 for value in (tau, walk)):
            raise ValueError(
                "Langevin: need steps >= 1, 0 < rate < 2, 0 <= momentum < 1, 0 < end < start, "
                f"0 < least <= 1, tau and walk > 0 or null, got {steps=}, {rate=}, {momentum=}, "
                f"{start=}, {end=}, {tau=}, {walk=}, {least=}"
            )
        self.steps, self.rate, self.tau, self.momentum = steps, rate, tau, momentum
        self.start, self.end, self.least = start, end, least
        self.longest = math.inf if walk is None else walk**2 * (1 - momentum) / (2 * steps)

    @torch.no_grad()
    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        pull = level.nsr**-2
        push = 1 / self._variance(problem)
        gain = steepness(problem, x0, rng)
        size = (self.rate / (pull + push * gain)).clamp_max(self.longest) * self._share(level)
        root, push = column(size.sqrt(), x0), column(push, x0)
        keep, fresh = self.momentum, (2 * (1 - self.momentum)) ** 0.5
        x, v = x0, rng.normal(x0.shape) if keep else torch.zeros_like(x0)
        for _ in range(self.steps):
            slope = problem.operator.vjp(x, problem.residual(x)) * push + (x0 - x) * pull
            v = keep * v + root * slope + fresh * rng.normal(x0.shape)
            x = x + root * v
        return x

    def _variance(self, problem: Problem) -> float | Tensor:
        """`tau^2`."""
        if self.tau is None:
            return noise_variance(problem)
        return noise_variance(problem, self.tau) if problem.operator.rounds else self.tau**2

    def _share(self, level: Level) -> float:
        ends = [nsr ** (1 / 7) for nsr in (self.start, level.nsr, self.end)]
        passed = (ends[0] - ends[1]) / (ends[0] - ends[2])
        return 1 - (1 - self.least) * min(max(passed, 0.0), 1.0)
