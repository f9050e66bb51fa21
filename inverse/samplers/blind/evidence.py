"""What a measurement says of an unknown number: its evidence, and the search of its posterior."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from inverse.samplers.blind.coordinates import Coordinates
from inverse.samplers.found import Quantity

POINTS = 9  # of a grid, but for the first one where a `Range` has more
ZOOMS, FEWER = 5, 3  # closer grids that follow each other: for what is asked for, and for contrasts


class Range(NamedTuple):
    """Where an unknown number may lie, evenly, or in its logarithm; round, as an angle is.

    Attributes:
        points: that are tried before the search draws closer: as many as tell the highest of
            several peaks.
    """

    low: float
    high: float
    log: bool = True
    round: bool = False
    points: int = POINTS

    @property
    def ends(self) -> tuple[float, float]:
        """In the scale in which it is even."""
        return (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)

    def at(self, u: Tensor) -> Tensor:
        """The number at a place in that scale."""
        return u.exp().clamp(self.low, self.high) if self.log else u


CONTRAST = Range(1e-3, 30.0)
"""By what the variance of a picture may differ from the mean of those that a prior's errors were
measured on."""


def log_evidence(found: Coordinates, sigma: Tensor, contrast: Range | None = CONTRAST) -> Tensor:
    """`log p(y | D, sigma)` for noise of each of the given levels, up to a constant.

    `sum_g log mean_c prod_i N(z_i; 0, c spread_i + sigma^2)` over groups g of coordinates: how
    much the picture at hand differs in contrast from those that the error of D was measured on is
    integrated out, evenly in log c.

    Args:
        found: of B problems. sigma: (B, n). contrast: of c; None: it is 1.

    Returns:
        (B, n).
    """
    return by_group(found, sigma, contrast).sum(1)


def by_group(found: Coordinates, sigma: Tensor, contrast: Range | None = CONTRAST) -> Tensor:
    """What each group of coordinates adds to the `log_evidence`: (B, G, n)."""
    shape = (*found.power.shape[:2], sigma.shape[1])
    fits = _fits(found, sigma)
    if contrast is None:
        return fits(sigma.new_ones(math.prod(shape), 1)).view(shape)
    u, values = explored(fits, contrast, math.prod(shape), FEWER)
    return (values + gaps(u).log()).logsumexp(1).view(shape)


def contrasts(found: Coordinates, sigma: Tensor, channels: int) -> Tensor:
    """The likeliest contrast of each channel, the mean over its groups: (B, channels).

    Args:
        found: whose groups go through one channel after the other. sigma: (B,).
    """
    groups = math.prod(found.power.shape[:2])
    u, values = explored(_fits(found, sigma[:, None]), CONTRAST, groups, FEWER)
    best = u.gather(1, values.argmax(1, keepdim=True)).exp()
    return best.view(len(sigma), channels, -1).mean(-1)


def _fits(found: Coordinates, sigma: Tensor) -> Callable[[Tensor], Tensor]:
    """The log-likelihood of contrasts, (B G n, k), each of its own group and noise level."""
    power, spread, weight = (v[:, :, None, None] for v in found)
    noise = sigma.square()[:, None, :, None, None]  # (B, 1, n, 1, 1)
    shape = (*found.power.shape[:2], sigma.shape[1])

    def fits(c: Tensor) -> Tensor:
        variance = (c.view(*shape, -1, 1) * spread).add_(noise)
        misfit = variance.log().addcdiv_(power, variance).mul_(weight)  # large: in place
        return -0.5 * misfit.sum(-1).view(c.shape)

    return fits


def explored(
    log_posterior: Callable[[Tensor], Tensor], within: Range, batch: int, zooms: int = ZOOMS
) -> tuple[Tensor, Tensor]:
    """A function's values on a grid over a range, and on ever closer ones around the best.

    Args:
        log_posterior: of (B, n) numbers, (B, n).

    Returns:
        the places (B, N), growing, in the scale in which the range is even; the values (B, N).
    """
    low, high = within.ends
    u = torch.linspace(low, high, within.points, dtype=torch.float64).expand(batch, -1)
    cell = (high - low) / (within.points - 1)
    places, values = u[:, :0], u[:, :0]
    for _ in range(zooms):
        values = torch.cat([values, log_posterior(within.at(u))], 1)
        places = torch.cat([places, u], 1)
        best = places.gather(1, values.argmax(1, keepdim=True))
        u = best + torch.linspace(-cell, cell, POINTS, dtype=torch.float64)
        u = u if within.round else u.clamp(low, high)
        cell *= 2 / (POINTS - 1)
    if within.round:  # with the best in the middle
        middle = places.gather(1, values.argmax(1, keepdim=True)) - (high - low) / 2
        places = middle + (places - middle).remainder(high - low)
    places, order = places.sort(1)
    return places, values.gather(1, order)


def gaps(u: Tensor) -> Tensor:
    """The weights of the trapezoidal rule at places (B, N) that grow."""
    return (u.diff(dim=1, prepend=u[:, :1]) + u.diff(dim=1, append=u[:, -1:])) / 2


def search(
    log_posterior: Callable[[Tensor], Tensor], within: Range, batch: int, zooms: int = ZOOMS
) -> Quantity:
    """Mean and standard deviation of a number in a range, over which its prior is flat.

    By the trapezoidal rule over all that was `explored`, as whose arguments.
    """
    u, values = explored(log_posterior, within, batch, zooms)
    return quantity(u, (values + gaps(u).log()).softmax(1), within)


def quantity(u: Tensor, weights: Tensor, within: Range) -> Quantity:
    """Mean and standard deviation of a number that is at places (B, N) with weights (B, N).

    In a logarithmic range they are of the logarithm: `exp(mean)` and `exp(mean) std`. Where the
    spread is above half of the prior's, which is flat over the range, the data are silent.
    """
    mean = (weights * u).sum(1)
    std = (weights * (u - mean[:, None]).square()).sum(1).sqrt()
    low, high = within.ends
    silent = std > 0.5 * (high - low) / 12**0.5
    mean = low + (mean - low).remainder(high - low) if within.round else mean
    number = within.at(mean)
    scale = number if within.log else 1
    return Quantity(number, torch.where(silent, math.inf, std * scale))
