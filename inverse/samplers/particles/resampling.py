"""Resampling within groups: heavy particles are copied, light ones dropped."""

import torch
from torch import Tensor

from operators import Rng
from operators.solve import widest

SCHEMES = ("systematic", "multinomial")


class Resampling:
    """Resample a group of N particles once its effective sample size is `threshold N` or less.

    `ESS = 1 / sum_i w_i^2` of the normalised weights, between 1 and N: threshold 1 resamples at
    every step, 0 never. `systematic` takes one uniform number per group and copies particle i
    `N w_i` times, rounded up or down; `multinomial` draws N times. Both are unbiased.

    Reference: Douc, Cappe and Moulines, 2005, doi:10.1109/ISPA.2005.195385.

    Raises:
        ValueError: for a threshold outside [0, 1] or an unknown scheme.
    """

    def __init__(self, threshold: float = 0.5, scheme: str = "systematic") -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"Resampling: threshold must be in [0, 1], got {threshold}")
        if scheme not in SCHEMES:
            raise ValueError(
                f"Resampling: scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}"
            )
        self.threshold, self.scheme = threshold, scheme

    def __call__(self, log_weights: Tensor, rng: Rng) -> tuple[Tensor, Tensor]:
        """Ancestors (B, N), indices into each group, and the log-weights (B, N) that remain.

        `rng` has one stream per group and is drawn from whether or not a group is resampled.
        """
        (groups, count), wide = log_weights.shape, widest(log_weights.device)
        weights = log_weights.softmax(1)
        if self.scheme == "systematic":
            ancestors = systematic(weights, rng.uniform((groups, 1), wide))
        else:
            ancestors = choose(weights, rng.uniform((groups, count), wide))
        tired = 1 / weights.square().sum(1, keepdim=True) <= self.threshold * count
        same = torch.arange(count, device=weights.device).expand(groups, count)
        left = torch.where(tired, 0.0, log_weights.log_softmax(1))
        return torch.where(tired, ancestors, same), left


def systematic(weights: Tensor, offset: Tensor) -> Tensor:
    """Ancestors (B, N) by weight (B, N): particle i `N w_i` times, rounded up or down.

    `offset` (B, 1): one uniform number of [0, 1) per group.
    """
    count = weights.shape[1]
    return choose(weights, (torch.arange(count, device=weights.device) + offset) / count)


def choose(weights: Tensor, points: Tensor) -> Tensor:
    """The particles (B, M) where the cumulated weights (B, N) pass the points (B, M) of [0, 1)."""
    cumulated = weights.cumsum(1)
    cumulated = cumulated / cumulated[:, -1:]
    return torch.searchsorted(cumulated, points, right=True).clamp_max(weights.shape[1] - 1)


def flat(index: Tensor) -> Tensor:
    """Indices (B, M) into groups of N = M particles as indices (B M,) into the whole batch."""
    groups, count = index.shape
    first = torch.arange(groups, device=index.device)[:, None] * count
    return (first + index).flatten()
