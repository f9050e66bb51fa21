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
from inverse.solving import Budget, solve
from operators import Problem, Rng, seed_for
from operators.core import first_line


class Drawn(NamedTuple):
    """Samples (B, C, H, W), one of each measurement, and the network calls, where counted."""

    x: Tensor
    calls: int | None


Draw = Callable[[Prior, Problem, Rng], Drawn]
DIRECTIONS = 64
NOTABLE = 0.05  # a difference of the 80 % interval that says in which way samples are wrong
CHANCE = 0.003  # that an exact sampler's figures are taken for a fault
TIE = 1e-6  # of the values' deviation: closer ones count as the same


class Shares(NamedTuple):
    """How much of the posterior lies inside the samples' intervals.

    Attributes:
        nominal: what it should be, for each interval. found: what it is, (M, directions,
            intervals).
    """

    nominal: list[float]
    found: Tensor


def shares(samples: Tensor, draws: Tensor) -> Shares:
    """Posterior mass inside the central intervals of samples.

    The interval from the j-th smallest to the j-th largest of K samples holds `(K + 1 - 2 j) /
    (K + 1)` of the law they are drawn from, on average. Directions are the values and 64 random.

    Args:
        samples: (M, K, d). draws: of the posterior, (M, n, d).
    """
    count, size = samples.shape[1:]
    stream = torch.Generator().manual_seed(0)
    random = torch.randn(size, DIRECTIONS, generator=stream)
    along = torch.cat([torch.eye(size), random], 1).to(draws)
    ordered, seen = (_ordered(x.to(draws) @ along, stream) for x in (samples, draws))
    ranks = list(range(1, count // 2 + 1))
    low = torch.searchsorted(seen, ordered[..., [j - 1 for j in ranks]].contiguous())
    high = torch.searchsorted(seen, ordered[..., [count - j for j in ranks]].contiguous())
    nominal = [1 - 2 * j / (count + 1) for j in ranks]
    return Shares(nominal, (high - low).double() / draws.shape[1])


def _ordered(x: Tensor, stream: torch.Generator) -> Tensor:
    """(M, n, directions) -> (M, directions, n) in order; values that are the same, by lot."""
    lots = TIE * float(x.std()) * torch.randn(x.shape, generator=stream).to(x)
    return (x + lots).sort(1).values.movedim(1, -1).contiguous()


def compare(samples: Tensor, draws: Tensor) -> dict[str, Any]:
    """Figures of samples (M, K, d) beside draws from the posterior (M, n, d).

    `gap`: squared distance of the samples' mean from the posterior's, less what so many samples
    leave to chance, over the posterior's variance: 0 for an exact sampler, and the excess of its
    mean's squared error over the least one. `spread`: variance over the posterior's, ideally 1.
    `nominal`, `coverage`: see `shares`, the mean over directions and measurements. `gap_error`,
    `coverage_error`: standard errors over the M measurements. `misses`: of each measurement, how
    far the shares are from nominal, the mean over directions and intervals.
    """
    samples, (nominal, found) = samples.double(), shares(samples, draws)
    least = draws.var(1).sum(1)
    own = samples.var(1).sum(1)
    chance = own / samples.shape[1] + least / draws.shape[1]
    gaps = ((samples.mean(1) - draws.mean(1)).square().sum(1) - chance) / least
    return {
        "gap": float(gaps.mean()),
        "gap_error": _error(gaps),
        "spread": float(own.sum() / least.sum()),
        "nominal": nominal,
        "coverage": found.mean((0, 1)).tolist(),
        "coverage_error": [_error(values) for values in found.mean(1).T],
        "misses": (found - torch.tensor(nominal)).abs().mean((1, 2)).tolist(),
    }


def _error(values: Tensor) -> float:
    return float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.inf


def at(row: Mapping[str, Any], level: float) -> int:
    """Which interval of a row comes nearest to a level."""
    return min(range(len(row["nominal"])), key=lambda i: abs(row["nominal"][i] - level))


def verdict(row: Mapping[str, Any], exact: Mapping[str, Any]) -> str:
    """What a user should hear of the figures of samples beside those of as many exact ones.

    A fault is that the `misses` are larger (Student's paired t test); which, the 80 % tell.
    """
    from scipy.stats import t

    more = torch.tensor(row["misses"]) - torch.tensor(exact["misses"])
    if float(more.mean()) <= float(t.isf(CHANCE, max(len(more) - 1, 1))) * _error(more):
        return "no fault found"
    i = at(row, 0.8)
    beyond = row["coverage"][i] - exact["coverage"][i]
    return "too sure" if beyond < -NOTABLE else "too timid" if beyond > NOTABLE else "misplaced"


def examine(trial: Trial, draw: Draw, samples: int, seed: int) -> dict[str, Any]:
    """A row: the solver's figures on a trial, beside `exact` ones, its cost, or its error."""
    problem = trial.problem(samples)
    rng = Rng([seed_for(seed, trial.name, "samples")]).each(len(problem))
    exact = control(trial, samples)
    row: dict[str, Any] = {"trial": trial.name, "exact": exact}
    begin = time.perf_counter()
    try:
        x, row["calls"] = draw(trial.prior, problem, rng)
        wanted = (len(problem), *problem.operator.in_shape)
        if x.shape != wanted or not bool(x.isfinite().all()):
            raise ValueError(
                f"gave {tuple(x.shape)}, {x.isfinite().double().mean():.0%} finite, for {wanted}"
            )
        row |= compare(x.detach().reshape(len(trial.y), samples, -1), trial.draws)
        row["verdict"] = verdict(row, exact)
    except Exception as error:  # a certificate says that too
        row["error"] = f"{type(error).__name__}: {first_line(error)}"
    return row | {"seconds": time.perf_counter() - begin}


def control(trial: Trial, samples: int) -> dict[str, Any]:
    """The figures of an exact sampler: as many draws of chains of their own.

    Raises:
        ValueError: for more samples than there are draws.
    """
    every = trial.others.shape[1] // samples
    if samples < 4 or not every:
        raise ValueError(f"samples must be from 4 to {trial.others.shape[1]}, got {samples}")
    return compare(trial.others[:, ::every][:, :samples], trial.draws)


def sampled(make: Callable[[Prior], Sampler], budget: Budget | None = None) -> Draw:
    """One of our solvers, made over a prior, as a `Draw`; stopped where the budget ends."""

    def draw(prior: Prior, problem: Problem, rng: Rng) -> Drawn:
        result = solve(make(prior), problem, rng, budget)
        return Drawn(result.x0, result.nfe + result.backward)

    return draw


def called(function: Callable[[Prior, Problem, Rng], Tensor]) -> Draw:
    """A user's function as a `Draw`."""
    return lambda prior, problem, rng: Drawn(function(prior, problem, rng), None)
