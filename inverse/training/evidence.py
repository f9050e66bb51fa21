"""How well priors foretell measurements: when to stop learning, and which class they are of."""

import math

import torch
from torch import Tensor

from inverse.denoise import Field, FieldPrior
from inverse.priors import Classes
from inverse.training.observed import Observations, device_of, state_of
from operators import Problem, Rng, seed_for

LOW, HIGH, LEVELS = 0.01, 30.0, 16
"""The standard deviations of the noise added to y, evenly spaced in the logarithm."""


@torch.no_grad()
def log_evidence(
    prior: FieldPrior, observations: Observations, seed: int = 0, batch: int = 64
) -> float:
    """`log p(y)` per measured value, in nats: the mean over observations; see `evidences`.

    The noise depends on the seed and the observation alone, so that priors are compared under the
    same.

    Raises:
        Unfit: for operators that do not measure single values.
    """
    total, count = 0.0, 0.0
    for start, problem in observations.batches(batch):
        problem = problem.to(device_of(prior))
        numbers = range(start, start + len(problem))
        found, told = evidences(prior, problem, _streams(seed, numbers, problem))
        total, count = total + float(found.sum()), count + float(told.sum())
    return total / count


@torch.no_grad()
def class_posterior(classes: Classes, problem: Problem, seed: int = 0) -> Tensor:
    """`p(c | y)` (B, K): which of some priors a measurement is of, by their evidence.

    `w_c p(y | c)`, normalised, all under the same noise and its negative: 2 LEVELS network calls a
    class. It is right where classes hardly overlap, too, between which `Coded` does not move.

    Raises:
        Unfit: for operators that do not measure single values.
    """

    def evidence(prior: FieldPrior, side: float) -> Tensor:
        return evidences(prior, problem, _streams(seed, range(len(problem)), problem), side)[0]

    every = [(evidence(prior, 1.0) + evidence(prior, -1.0)) / 2 for prior in classes.priors]  # pyright: ignore
    return (classes.log_weights + torch.stack(every, 1)).softmax(1)


def evidences(
    prior: FieldPrior, problem: Problem, rng: Rng, side: float = 1.0
) -> tuple[Tensor, Tensor]:
    """`log p(y)` in nats (B,), in float64, from denoising y, and how many values m it has.

    With `y_v = y + sqrt(v) n`, `g = 1 / v` and `y^ = E[y | y_v]`, in m values,

    `log p(y) = -m/2 log(2 pi e) + 1/2 int (m / (1 + g) - E||y - y^||^2) dg`.

    `y^ = y_v + v / (v + s^2) (D - y_v)` for measurement noise s, D the prior's estimate of x0 from
    the state y_v. Exact for an exact prior but for the grid of v; a worse prior scores less, on
    average. What the noise does to `y_v / (1 + v)`, which is known, is taken out. `LEVELS` network
    calls. side: 1, or -1 for the negative noise.

    Raises:
        Unfit: for operators that do not measure single values.

    Reference: Kong et al., 2023, arXiv:2302.03792, eq. 9.
    """
    y, field = state_of(problem)
    nsr = field.pixels(y).expand_as(y)
    steps = torch.linspace(math.log(LOW), math.log(HIGH), LEVELS, dtype=torch.float64)
    gains = torch.stack([_gain(prior, y, nsr, side * math.exp(step), rng) for step in steps])
    told = nsr.isfinite().flatten(1).sum(1)
    integral = torch.trapezoid(gains, steps.to(gains.device), dim=0) / 2
    return integral - told * math.log(2 * math.pi * math.e) / 2, told


def _streams(seed: int, numbers: range, problem: Problem) -> Rng:
    seeds = [seed_for(seed, "evidence", number) for number in numbers]
    return Rng(seeds, problem.y.device).of(problem.y.dtype)


def _gain(prior: FieldPrior, y: Tensor, nsr: Tensor, std: float, rng: Rng) -> Tensor:
    """`2 g (m / (1 + g) - E||y - y^||^2)` of each sample, (B,), in float64."""
    v, told = std**2, nsr.isfinite()
    noise = std * rng.normal(y.shape)
    noisy = torch.where(told, y + noise, 0.0)
    both = (nsr**2 + v).sqrt()
    guess = noisy + v / both**2 * (prior.restore(noisy, Field(both)) - noisy)
    plain, mean = (v * y - noise) / (1 + v), (v**2 * y**2 + v) / (1 + v) ** 2
    error = (y - guess) ** 2 - plain**2 + mean
    return 2 / v * torch.where(told, v / (1 + v) - error, 0.0).double().flatten(1).sum(1)
