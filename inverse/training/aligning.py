"""Learning what noise level to tell a network: by whole walks, without a backward pass."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from inverse.denoise import Denoiser
from inverse.priors import Aligned
from inverse.samplers import Sampler
from operators import Problem, Rng

LEAST, MOST = 0.5, 2.5
GOLDEN = (5**0.5 - 1) / 2


class Lesson(NamedTuple):
    """A problem, the seeds of its walks, and where these should end, (B, C, H, W)."""

    problem: Problem
    seeds: Sequence[int]
    target: Tensor


def align(
    make: Callable[[Denoiser], Sampler],
    prior: Denoiser,
    nsrs: Sequence[float],
    lessons: Sequence[Lesson],
    *,
    evaluations: int = 8,
    rounds: int = 1,
) -> Aligned:
    """Learn at each level what noise to tell a prior, so that walks end near their targets.

    `min over tau of mean ||walk(Aligned(prior, tau)) - target||^2`, one level after the other from
    the noisiest down, by golden section between 0.5 and 2.5, the same seeds in every walk. A level
    keeps what it has where nothing better is found: the error on the lessons never rises. The
    targets are clean images, or the ends of the same flow in many steps.

    Args:
        make: the solver, from a prior to its sampler.
        nsrs: the levels of the ratios.
        evaluations: walks over all lessons, for each level and round.
        rounds: how often the levels are gone through.

    Reference: Xia et al., 2024, arXiv:2310.09469 (there by gradients, to match noise estimates).
    """
    levels = sorted(nsrs, reverse=True)
    ratios = [1.0] * len(levels)

    def error(ratios: Sequence[float]) -> float:
        sampler = make(Aligned(prior, levels, ratios))
        return sum(_error(sampler, lesson) for lesson in lessons) / len(lessons)

    least = error(ratios)
    for k in [*range(len(levels))] * rounds:

        def at(log_ratio: float, k: int = k) -> float:
            return error([*ratios[:k], math.exp(log_ratio), *ratios[k + 1 :]])

        where, value = lowest(at, math.log(LEAST), math.log(MOST), evaluations)
        if value < least:
            ratios[k], least = math.exp(where), value
    return Aligned(prior, levels, ratios)


def _error(sampler: Sampler, lesson: Lesson) -> float:
    *_, last = sampler.iterate(lesson.problem, Rng(lesson.seeds, lesson.target.device))
    return float((last.x0 - lesson.target).square().mean())


def lowest(
    f: Callable[[float], float], low: float, high: float, evaluations: int
) -> tuple[float, float]:
    """Where f is least on [low, high], and its value there, by golden section.

    Reference: Kiefer, 1953, doi:10.1090/S0002-9939-1953-0055639-3.
    """
    seen: dict[float, float] = {}
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    for _ in range(evaluations - 1):
        for x in (left, right):
            if x not in seen:
                seen[x] = f(x)
        if seen[left] < seen[right]:
            high, right, left = right, left, right - GOLDEN * (right - low)
        else:
            low, left, right = left, right, left + GOLDEN * (high - left)
    return min(seen.items(), key=lambda pair: pair[1])
