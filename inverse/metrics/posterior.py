"""Summaries of several posterior samples: their mean, their spread, and whether it is honest.

Samples are (K, B, C, H, W) and references (B, C, H, W), in [-1, 1] and neither scaled nor clamped
here; one value per image, (B,).
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Summary(NamedTuple):
    """What K samples say of each image, and against the truth how well they do.

    Attributes:
        mean, std: pixelwise, (B, C, H, W); the deviation of K - 1 degrees of freedom.
        crps: (B,), or None without a truth. coverage: (B,), or None: the share of pixels whose
            true value lies inside the samples' central interval. nominal: what that share is for
            samples of the true posterior.
    """

    mean: Tensor
    std: Tensor
    crps: Tensor | None = None
    coverage: Tensor | None = None
    nominal: float | None = None


def summarise(samples: Tensor, truth: Tensor | None = None, level: float = 0.9) -> Summary:
    """Mean and spread of `samples` and, given the truth, `crps` and `coverage` near `level`.

    Raises:
        ValueError: for fewer than two samples, or a truth of another shape.
    """
    _check("summarise", samples, samples[0] if truth is None else truth)
    mean, std = samples.mean(0), samples.std(0)
    if truth is None:
        return Summary(mean, std)
    covered, nominal = coverage(samples, truth, level)
    return Summary(mean, std, crps(samples, truth), covered, nominal)


def crps(samples: Tensor, truth: Tensor) -> Tensor:
    """Continuous ranked probability score, (B,), the mean over pixels; lower is better.

    `1/K sum_i |x_i - y| - 1/(2 K (K - 1)) sum_ij |x_i - x_j|`, the fair estimator: its
    expectation over the samples is that of the law they come from, for every K >= 2. It is the
    mean absolute error less half the mean distance between two samples, in the units of the image.

    Raises:
        ValueError: for fewer than two samples, or a truth of another shape.

    Reference: Gneiting and Raftery, 2007, doi:10.1198/016214506000001437; Ferro, 2014,
    doi:10.1002/qj.2270 (fair).
    """
    _check("crps", samples, truth)
    count = len(samples)
    error = (samples - truth).abs().mean(0)
    ranks = torch.arange(1 - count, count, 2).to(samples)  # how often each counts in a difference
    between = torch.einsum("k...,k->...", samples.sort(0).values, ranks)
    return (error - between / (count * (count - 1))).flatten(1).mean(1)


def coverage(samples: Tensor, truth: Tensor, level: float = 0.9) -> tuple[Tensor, float]:
    """The share of pixels inside the samples' central interval, (B,), and what it should be.

    The interval runs from the j-th smallest to the j-th largest of the K samples and holds a
    further draw from their law with probability `(K + 1 - 2 j) / (K + 1)`: that is the nominal
    share, and j >= 1 is such that it comes nearest to `level` (at most (K - 1) / (K + 1), with
    two samples 1/3). Below it the samples are too sure of themselves, above it too timid.

    Raises:
        ValueError: for fewer than two samples, a truth of another shape, a level outside (0, 1).
    """
    _check("coverage", samples, truth)
    if not 0 < level < 1:
        raise ValueError(f"coverage: level must be in (0, 1), got {level}")
    count = len(samples)
    j = min(max(round((1 - level) * (count + 1) / 2), 1), count // 2)
    ordered = samples.sort(0).values
    inside = (ordered[j - 1] <= truth) & (truth <= ordered[count - j])
    return inside.flatten(1).float().mean(1), (count + 1 - 2 * j) / (count + 1)


def variance_ratio(samples: Tensor, truth: Tensor) -> Tensor:
    """The samples' variance over the squared error of their mean, (B,), pixels pooled; ideally 1.

    `(1 + 1/K) mean var / mean (mean - y)^2` with the variance of K - 1 degrees of freedom: both
    have one expectation when truth and samples come from one law. Below 1 the samples are too sure
    of themselves, above it too timid.

    Raises:
        ValueError: for fewer than two samples, or a truth of another shape.

    Reference: Fortin et al., 2014, doi:10.1175/JHM-D-14-0008.1 (spread and skill).
    """
    _check("variance_ratio", samples, truth)
    spread = samples.var(0).flatten(1).mean(1) * (1 + 1 / len(samples))
    return spread / (samples.mean(0) - truth).square().flatten(1).mean(1)


def _check(name: str, samples: Tensor, truth: Tensor) -> None:
    if samples.ndim != 5 or samples.shape[1:] != truth.shape:
        raise ValueError(
            f"{name}: need samples (K, B, C, H, W) and a truth (B, C, H, W) that fits, "
            f"got {tuple(samples.shape)} and {tuple(truth.shape)}"
        )
    if len(samples) < 2:
        raise ValueError(f"{name}: one sample has no spread; draw at least 2 (samples=2)")
