"""How the samples of a solver compare with draws from the posterior, and what to think of it."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from inverse.certifying.problems import Trial
from inverse.denoise import Prior
from inverse.samplers import Sampler
from inverse.solving import solve
from operators import Problem, Rng, seed_for
from operators.core import first_line


class Drawn(NamedTuple):
    """Samples (B, C, H, W), one of each measurement, and the network calls, where counted."""

    x: Tensor
    calls: int | None


Draw = Callable[[Prior, Problem, Rng], Drawn]
DIRECTIONS = 64
NOTABLE = 0.05  # of the posterior's variance: no smaller gap matters
CHANCE = 0.003  # that an exact sampler's figure is taken for a fault


class Shares(NamedTuple):
    """Of every measurement, how much of the posterior lies inside the samples' intervals.

    Attributes:
        nominal: what it should be, for each interval. found: (intervals, M).
    """

    nominal: list[float]
    found: Tensor


def shares(samples: Tensor, draws: Tensor) -> Shares:
    """Posterior mass inside the central intervals of samples, the mean over directions.

    The interval from the j-th smallest to the j-th largest of K samples holds `(K + 1 - 2 j) /
    (K + 1)` of the law they are drawn from, on average. Directions are the values and 64 random.

    Args:
        samples: (M, K, d). draws: of the posterior, (M, n, d).
    """
    count, size = samples.shape[1:]
    random = torch.randn(size, DIRECTIONS, generator=torch.Generator().manual_seed(0))
    along = torch.cat([torch.eye(size), random], 1).to(draws)
    ordered = (samples.to(draws) @ along).sort(1).values.movedim(1, -1).contiguous()
    seen = (draws @ along).sort(1).values.movedim(1, -1).contiguous()
    ranks = list(range(1, count // 2 + 1))
    low = torch.searchsorted(seen, ordered[..., [j - 1 for j in ranks]].contiguous())
    high = torch.searchsorted(seen, ordered[..., [count - j for j in ranks]].contiguous())
    found = (high - low).double().mean(1) / draws.shape[1]
    return Shares([1 - 2 * j / (count + 1) for j in ranks], found.T)


def compare(samples: Tensor, draws: Tensor) -> dict[str, Any]:
    """Figures of samples (M, K, d) beside draws from the posterior (M, n, d).

    `gap`: squared distance of the samples' mean from the posterior's, less what so many samples
    leave to chance, over the posterior's variance: 0 for an exact sampler, and the excess of its
    mean's squared error over the least one. `spread`: variance over the posterior's, ideally 1.
    `nominal`, `coverage`: see `shares`. `gap_error`, `coverage_error`: standard errors over the M
    measurements. `verdict`: what a user should hear.
    """
    samples, found = samples.double(), shares(samples, draws)
    least = draws.var(1).sum(1)
    own = samples.var(1).sum(1)
    chance = own / samples.shape[1] + least / draws.shape[1]
    gaps = ((samples.mean(1) - draws.mean(1)).square().sum(1) - chance) / least
    row = {
        "gap": float(gaps.mean()),
        "gap_error": _error(gaps),
        "spread": float(own.sum() / least.sum()),
        "nominal": found.nominal,
        "coverage": found.found.mean(1).tolist(),
        "coverage_error": [_error(values) for values in found.found],
    }
    return row | {"verdict": verdict(row, len(samples))}


def _error(values: Tensor) -> float:
    return float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.inf


def at(row: Mapping[str, Any], level: float) -> int:
    """Which interval of a row comes nearest to a level."""
    return min(range(len(row["nominal"])), key=lambda i: abs(row["nominal"][i] - level))


def verdict(row: Mapping[str, Any], measurements: int) -> str:
    """Told by the 80 % interval, and where that is right by the mean (Student's t test)."""
    from scipy.stats import t

    i, most = at(row, 0.8), float(t.isf(CHANCE / 2, max(measurements - 1, 1)))
    beyond = row["coverage"][i] - row["nominal"][i]
    if abs(beyond) > most * row["coverage_error"][i]:
        return "too sure" if beyond < 0 else "too timid"
    biased = row["gap"] > most * row["gap_error"] and row["gap"] > NOTABLE
    return "mean is off" if biased else "no fault found"


def examine(trial: Trial, draw: Draw, samples: int, seed: int) -> dict[str, Any]:
    """A row: the solver's figures on a trial and what it cost, or the error that it made."""
    problem = trial.problem(samples)
    rng = Rng([seed_for(seed, trial.name, "samples")]).each(len(problem))
    row: dict[str, Any] = {"trial": trial.name}
    begin = time.perf_counter()
    try:
        x, row["calls"] = draw(trial.prior, problem, rng)
        wanted = (len(problem), *problem.operator.in_shape)
        if x.shape != wanted or not bool(x.isfinite().all()):
            raise ValueError(
                f"gave {tuple(x.shape)}, {x.isfinite().double().mean():.0%} finite, for {wanted}"
            )
        row |= compare(x.detach().reshape(len(trial.y), samples, -1), trial.draws)
    except Exception as error:  # a certificate says that too
        row["error"] = f"{type(error).__name__}: {first_line(error)}"
    return row | {"seconds": time.perf_counter() - begin}


def control(trial: Trial, samples: int) -> dict[str, Any]:
    """The row of an exact sampler: as many draws of chains of their own.

    Raises:
        ValueError: for more samples than there are draws.
    """
    every = trial.others.shape[1] // samples
    if samples < 4 or not every:
        raise ValueError(f"samples must be from 4 to {trial.others.shape[1]}, got {samples}")
    return {"trial": trial.name} | compare(trial.others[:, ::every][:, :samples], trial.draws)


def sampled(make: Callable[[Prior], Sampler]) -> Draw:
    """One of our solvers, made over a prior, as a `Draw`."""

    def draw(prior: Prior, problem: Problem, rng: Rng) -> Drawn:
        result = solve(make(prior), problem, rng)
        return Drawn(result.x0, result.nfe + result.backward)

    return draw


def called(function: Callable[[Prior, Problem, Rng], Tensor]) -> Draw:
    """A user's function as a `Draw`."""
    return lambda prior, problem, rng: Drawn(function(prior, problem, rng), None)
