"""Intervals and tests over images: how sure a difference between two methods is."""

from collections.abc import Sequence
from typing import Any

import numpy as np

LEVEL, DRAWS = 0.95, 2000


def interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """A bootstrap interval of the mean over images (percentiles, 2000 draws, a fixed seed).

    NaN for fewer than two values or where one is not finite.

    Reference: Efron and Tibshirani, 1993, An Introduction to the Bootstrap, ch. 13.
    """
    from scipy.stats import bootstrap

    data, rng = np.asarray(values, dtype=float), np.random.default_rng(0)
    if len(data) < 2 or not np.isfinite(data).all():
        return float("nan"), float("nan")
    options: Any = {"method": "percentile", "random_state": rng}
    found = bootstrap((data,), np.mean, n_resamples=DRAWS, confidence_level=level, **options)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def paired_p(one: Sequence[float], two: Sequence[float]) -> float:
    """The two-sided p-value of Wilcoxon's signed-rank test on the same images; 1 for equal values.

    Below six images it cannot fall under 0.05.

    Reference: Wilcoxon, 1945, doi:10.2307/3001968.
    """
    from scipy.stats import wilcoxon

    a, b = np.asarray(one, dtype=float), np.asarray(two, dtype=float)
    if len(a) < 1 or (a == b).all() or not np.isfinite(a - b).all():
        return 1.0
    found: Any = wilcoxon(a, b)
    return float(found.pvalue)


def holm(p: Sequence[float]) -> list[float]:
    """p-values corrected for their number, so that the chance of any false alarm stays bounded.

    Reference: Holm, 1979, Scandinavian Journal of Statistics 6.
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values)
    adjusted = np.maximum.accumulate((len(values) - np.arange(len(values))) * values[order])
    out = np.empty_like(values)
    out[order] = adjusted.clip(max=1)
    return out.tolist()
