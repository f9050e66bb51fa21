"""How well a prior foretells measurements that it was not fitted to: when to stop."""

import math

import torch
from torch import Tensor

from inverse.denoise import Field, FieldPrior
from inverse.training.observed import Observations, device_of, state_of
from operators import Rng, seed_for

LOW, HIGH, LEVELS = 0.01, 30.0, 16
"""The standard deviations of the noise added to y, evenly spaced in the logarithm."""


@torch.no_grad()
def log_evidence(
    prior: FieldPrior, observations: Observations, seed: int = 0, batch: int = 64
) -> float:
    """`log p(y)` per measured value, in nats: the mean over observations, from denoising them.

    With `y_v = y + sqrt(v) n`, `g = 1 / v` and `y^ = E[y | y_v]`, in m values,

    `log p(y) = -m/2 log(2 pi e) + 1/2 int (m / (1 + g) - E||y - y^||^2) dg`.

    `y^ = y_v + v / (v + s^2) (D - y_v)` for measurement noise s, D the prior's estimate of x0 from
    the state y_v. Exact for an exact prior but for the grid of v; a worse prior scores less, on
    average. The noise depends on the seed and the observation alone, so that priors are compared
    under the same, and what it does to `y_v / (1 + v)`, which is known, is taken out. `LEVELS`
    network calls per observation.

    Raises:
        Unfit: for operators that do not measure single values.

    Reference: Kong et al., 2023, arXiv:2302.03792, eq. 9.
    """
    steps = torch.linspace(math.log(LOW), math.log(HIGH), LEVELS, dtype=torch.float64)
    total, count = 0.0, 0
    for start, problem in observations.batches(batch):
        y, field = state_of(problem.to(device_of(prior)))
        nsr = field.pixels(y).expand_as(y)
        seeds = [seed_for(seed, "evidence", start + k) for k in range(len(y))]
        rng = Rng(seeds, y.device).of(y.dtype)
        gains = [_gain(prior, y, nsr, math.exp(step), rng) for step in steps]
        total += float(torch.trapezoid(torch.stack(gains), steps).sum()) / 2
        count += int(nsr.isfinite().sum())
    return total / count - math.log(2 * math.pi * math.e) / 2


def _gain(prior: FieldPrior, y: Tensor, nsr: Tensor, std: float, rng: Rng) -> Tensor:
    """`2 g (m / (1 + g) - E||y - y^||^2)`, of all samples together, in float64."""
    v, told = std**2, nsr.isfinite()
    noise = std * rng.normal(y.shape)
    noisy = torch.where(told, y + noise, 0.0)
    both = (nsr**2 + v).sqrt()
    guess = noisy + v / both**2 * (prior.restore(noisy, Field(both)) - noisy)
    plain, mean = (v * y - noise) / (1 + v), (v**2 * y**2 + v) / (1 + v) ** 2
    error = (y - guess) ** 2 - plain**2 + mean
    return 2 / v * torch.where(told, v / (1 + v) - error, 0.0).double().sum()
