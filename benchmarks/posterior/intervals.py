"""How the central intervals of samples compare with the exact law, direction by direction."""

import torch
from torch import Tensor

from benchmarks.posterior.measures import project

LEVELS = [i / 20 for i in range(1, 20)]
"""The levels measured; 50, 80 and 95 % among them."""


def masses(x: Tensor, exact: Tensor) -> Tensor:
    """Share of the exact draws inside the samples' central intervals, (directions, levels).

    Both are projections (directions, n), sorted, as `project` gives them.
    """
    tails = torch.tensor([(1 - level) / 2 for level in LEVELS])
    low, high = (torch.quantile(x, q, dim=1).T.contiguous() for q in (tails, 1 - tails))
    inside = torch.searchsorted(exact, high, right=True) - torch.searchsorted(exact, low)
    return inside / exact.shape[1]


def width(x: Tensor) -> Tensor:
    """Length of the central 80 % interval along each direction, (directions,)."""
    low, high = torch.quantile(x, torch.tensor([0.1, 0.9]), dim=1)
    return high - low


def intervals(x: Tensor, exact: Tensor) -> dict[str, Tensor]:
    """Of the finite samples x (n, d) beside projected exact draws (directions, n').

    ``coverage`` (levels,): the mean mass of their intervals; ``miss`` (levels,): the mean distance
    of a direction's mass from the level; ``width`` (1,): the mean length of their central 80 %, the
    exact one's being 1.
    """
    shown = project(x[torch.isfinite(x).all(1)])
    found = masses(shown, exact)
    return {
        "coverage": found.mean(0),
        "miss": (found - torch.tensor(LEVELS)).abs().mean(0),
        "width": (width(shown).mean() / width(exact).mean())[None],
    }
