"""Fitting mixtures of low rank plus a diagonal, to clean pictures or to measurements of them."""

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from inverse.denoise import Field
from inverse.priors import LowRankMixture
from inverse.training.cycle import Cycle
from inverse.training.observed import Observations, state_of

FLOOR = 1e-5  # of the diagonal's variances


@dataclass
class Moments:
    """What a fit needs to know: sums over pictures, weighted by each component's share.

    With `u' = (u, 1)` and x measured from the component's mean: `second = sum E[u' u'^T]`,
    (K, q + 1, q + 1); `cross = sum E[x u'^T]`, (K, d, q + 1); `squares = sum E[x^2]`, (K, d).
    """

    second: Tensor
    cross: Tensor
    squares: Tensor

    def __add__(self, other: Self) -> "Moments":
        return Moments(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def moments(model: LowRankMixture, observations: Observations, batch: int = 64) -> Moments:
    """The expectations of `Moments` under the model, given the observations."""
    parts = (_batch(model, *state_of(problem)) for _, problem in observations.batches(batch))
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def _batch(model: LowRankMixture, z: Tensor, field: Field) -> Moments:
    parts, w = model.components(z, field), model.factors
    say, rest, share = parts.fit.softmax(-1), parts.rest, parts.share
    u = torch.cat([parts.factors, torch.ones_like(parts.factors[..., :1])], -1)
    eye = torch.eye(w.shape[-1]).to(w).expand(parts.root.shape)
    square = torch.cholesky_solve(eye, parts.root)  # Cov[u | z]
    square = torch.nn.functional.pad(square, (0, 1, 0, 1)) + u[..., None] * u[..., None, :]
    second = torch.einsum("bk,bkqr->kqr", say, square)
    # E[x u'^T] = rest E[u']^T + share W E[u u'^T]; of one noise for all the latter is summed first
    weight, square = (say, square) if len(share) > 1 else (torch.ones_like(say[:1]), second[None])
    moved = torch.einsum("kdq,bkqr->bkdr", w, square[..., :-1, :])
    cross = torch.einsum("bk,bkd,bkr->kdr", say, rest, u)
    cross = cross + torch.einsum("bk,bkd,bkdr->kdr", weight, share, moved)
    along = (w @ parts.factors[..., None])[..., 0]
    squares = torch.einsum("bk,bkd->kd", say, parts.spread + rest * (rest + 2 * share * along))
    bent = (moved[..., :-1] * w).sum(-1)  # diag(W E[u u^T] W^T)
    squares = squares + torch.einsum("bk,bkd->kd", weight, share**2 * bent)
    return Moments(second, cross, squares)


def refit(model: LowRankMixture, found: Moments) -> LowRankMixture:
    """The mixture that is likeliest given the moments: a regression of x on (u, 1)."""
    counts = found.second[:, -1, -1]
    slopes = torch.linalg.solve(found.second, found.cross.mT).mT
    left = found.squares - (slopes * found.cross).sum(-1)
    variances = (left / counts[:, None]).clamp_min(FLOOR)
    means = model.means + slopes[..., -1]
    return LowRankMixture(model.shape, counts, means, slopes[..., :-1], variances)


def begin(observations: Observations, components: int, rank: int, seed: int = 0) -> LowRankMixture:
    """Where a fit starts: each value's own mean and variance, half of it in random factors.

    Means of several components are those of random observations, filled up with the former.
    """
    count = total = square = torch.zeros(observations.shape)
    for _, problem in observations.batches(256):
        z, field = state_of(problem)
        told = field.pixels(z).isfinite().expand_as(z)
        count, total = count + told.sum(0), total + z.sum(0)
        square = square + z.square().sum(0)
    mean, every = total / count.clamp_min(1), total.sum() / count.sum()
    whole = square.sum() / count.sum() - every**2
    variance = torch.where(count > 1, square / count.clamp_min(1) - mean**2, whole)
    mean, variance = torch.where(count > 0, mean, every), variance.clamp_min(FLOOR)
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(observations), generator=generator)[:components]
    means = mean.flatten().expand(components, -1).clone()
    if components > 1:
        means = torch.stack([_filled(observations, int(n), mean) for n in chosen])
    factors = torch.randn((components, means.shape[1], rank), generator=generator)
    half = variance.flatten() / 2
    factors = factors * (half / max(rank, 1)).sqrt()[:, None]
    even = torch.ones(components)
    return LowRankMixture(observations.shape, even, means, factors, half.expand(components, -1))


def _filled(observations: Observations, number: int, mean: Tensor) -> Tensor:
    """Observation `number`, with the mean where it tells of nothing, (d,)."""
    problem = next(one for n, one in observations.batches(1) if n == number)
    z, field = state_of(problem)
    return torch.where(field.pixels(z).isfinite(), z, mean).flatten()


def fit_mixture(
    observations: Observations,
    heldout: Observations,
    components: int,
    rank: int,
    laps: int = 32,
    seed: int = 0,
) -> LowRankMixture:
    """The mixture of Gaussians, of low rank plus a diagonal, that explains measurements best.

    Expectation maximisation, exact in both steps, of what single values of pictures measure, with
    noise; clean pictures are measurements of all (`identity`) with little noise. At most `laps`
    times, and until the evidence of the held-out observations falls. Values that are never
    measured stay as they start.

    Raises:
        Unfit: for operators that do not measure single values.

    Reference: Ghahramani & Hinton, 1996, "The EM algorithm for mixtures of factor analyzers";
    Rozet et al., 2024, arXiv:2405.13712, App. (the start of its priors).
    """
    observations.unseen()

    def expect(model: LowRankMixture, lap: int) -> Moments:
        return moments(model, observations)

    def maximise(model: LowRankMixture, found: Moments, lap: int) -> LowRankMixture:
        return refit(model, found)

    cycle = Cycle(expect, maximise, lambda model: exact_evidence(model, heldout), laps)
    start = begin(observations, components, rank, seed)
    return max(cycle.run(start), key=lambda lap: lap.evidence).model


def fit_gaussian(
    observations: Observations, heldout: Observations, rank: int = 32, laps: int = 32, seed: int = 0
) -> LowRankMixture:
    """The Gaussian of low rank plus a diagonal that explains measurements best.

    `fit_mixture` of one component.
    """
    return fit_mixture(observations, heldout, 1, rank, laps, seed)


def exact_evidence(model: LowRankMixture, observations: Observations) -> float:
    """`log p(y)` per measured value, in nats, exactly: the mean over observations."""
    total = count = 0.0
    for _, problem in observations.batches(64):
        z, field = state_of(problem)
        total += float(model.log_evidence(z, field).double().sum())
        count += float(field.pixels(z).isfinite().expand_as(z).sum())
    return total / count
