"""Photon counting that is not known: how many photons white has, and how loud the sensor reads."""

import torch
from torch import Tensor

from inverse.denoise import Need
from inverse.samplers.blind.coordinates import EVEN, PIXELWISE, coordinates, cut
from inverse.samplers.blind.evidence import CONTRAST, Range, by_group, quantity
from inverse.samplers.blind.refits import Refit
from inverse.samplers.found import Found
from operators import Identity, Inpaint, Problem, poisson_gaussian

PEAKS, READS = Range(5.0, 2e4, points=49), Range(0.002, 0.2, points=33)
LEVELS = Range(0.001, 1.0, points=129)  # of the noise in a patch
HEATS = 32, 4, 1  # of the posterior on ever closer grids, so that coarse ones miss no ridge
AT_ONCE = 8  # levels that are tried together: each is tried with every contrast in every patch

PIXELS = Need(
    "an operator that keeps or loses each pixel",
    lambda problem: isinstance(problem.operator, PIXELWISE),
    "give the noise's numbers, or operator=identity or inpaint_...",
)


class PhotonNoise(Refit):
    """The photons at white and the read noise: means of `p(peak, read | y)`, by small patches.

    `p(y | peak, read) = prod_g N(y_g; A D, c_g A R A^T + sigma_g^2 I)`, `sigma_g^2 = s^2 u_g / peak
    + read^2` with the mean brightness u_g of a patch g (`operators.Poisson`), each patch with a
    contrast of its own, as in `NoiseLevel`. The prior is flat in both logarithms. It is the line of
    variance against mean, of the variance that no image explains.

    Args:
        peaks, reads: those thought of. contrast: as in `NoiseLevel`.

    Reference: Foi et al., 2008, doi:10.1109/TIP.2008.2001399 (variance against mean).
    """

    requires = frozenset({EVEN, PIXELS})

    def __init__(
        self, peaks: Range = PEAKS, reads: Range = READS, contrast: Range | None = CONTRAST
    ) -> None:
        self.peaks, self.reads, self.contrast = peaks, reads, contrast

    def __call__(self, problem: Problem, x0: Tensor, r2: Tensor, last: Found | None) -> Found:
        seen, level = coordinates(problem, x0, r2), _even(LEVELS)
        tried = level.exp().expand(len(x0), -1).split(AT_ONCE, 1)
        table = torch.cat([by_group(seen, sigma, self.contrast) for sigma in tried], 2)
        peak, read = (_even(each).expand(len(x0), -1) for each in (self.peaks, self.reads))
        for heat in HEATS:
            variance = _variance(problem, peak.exp(), read.exp())
            place = (variance.log() / 2 - level[0]) / (level[1] - level[0])
            fits = _taken(table, place.flatten(2)).sum(1)
            weights = (fits / heat).softmax(1).unflatten(1, place.shape[2:])
            if heat > 1:
                peak, read = _closer(peak, weights.sum(2)), _closer(read, weights.sum(1))
        numbers = {
            "peak": quantity(peak, weights.sum(2), self.peaks),
            "read": quantity(read, weights.sum(1), self.reads),
        }
        found = {name: number.mean.to(problem.y) for name, number in numbers.items()}
        noise = poisson_gaussian(found["peak"], found["read"])
        return Found(numbers, noise=noise.seen(problem.operator.dark))


def _even(within: Range) -> Tensor:
    return torch.linspace(*within.ends, within.points, dtype=torch.float64)


def _closer(u: Tensor, weights: Tensor) -> Tensor:
    """As many places (B, N), evenly over those that weigh anything, and one beside them."""
    some, cell = weights > 1e-3 * weights.amax(1, keepdim=True), u[:, 1:2] - u[:, :1]
    low = u.where(some, torch.inf).amin(1, keepdim=True) - cell
    high = u.where(some, -torch.inf).amax(1, keepdim=True) + cell
    low, high = low.maximum(u[:, :1]), high.minimum(u[:, -1:])
    return low + (high - low) * torch.linspace(0, 1, u.shape[1], dtype=u.dtype)


def _variance(problem: Problem, peak: Tensor, read: Tensor) -> Tensor:
    """Of the noise in each patch, for each channel one after the other: (B, G, peaks, reads)."""
    assert isinstance(problem.operator, Identity | Inpaint)
    law = poisson_gaussian(1.0, 0.0).seen(problem.operator.dark)
    y = problem.y.cpu().double()
    kept = problem.operator.s[:, :1].cpu().double().expand(len(y), 1, *y.shape[-2:])
    light = cut(law.light(y).mean(1, keepdim=True) * kept).sum(-1)
    light = (light / cut(kept).sum(-1).clamp_min(1)).expand(-1, y.shape[1], -1).flatten(1)
    peak, read = peak[:, None, :, None], read[:, None, None]
    photons = (light[..., None, None] * peak).clamp_min(1)
    return law.scale**2 * photons / peak**2 + read**2


def _taken(table: Tensor, place: Tensor) -> Tensor:
    """Values (B, G, n) at places (B, G, N), counted from 0: cubics through four neighbours."""
    place = place.clamp(0, table.shape[-1] - 1)
    low = place.long().clamp(1, table.shape[-1] - 3)
    t = place - low
    shares = {
        -1: -t * (t - 1) * (t - 2) / 6,
        0: (t + 1) * (t - 1) * (t - 2) / 2,
        1: -(t + 1) * t * (t - 2) / 2,
        2: (t + 1) * t * (t - 1) / 6,
    }
    return sum((table.gather(2, low + k) * share for k, share in shares.items()), start=0 * t)
