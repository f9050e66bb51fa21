"""The protocols: which prior, which measurements, at which levels; instances frozen by their seed.

All mixtures have 25 components of covariance I with means (8 i, 8 j, 8 i, 8 j, ...), i and j from
-2 to 2, in an even number of dimensions. What each paper draws is drawn here from a seed of our
own: the published instances cannot be reproduced (weights drawn before seeding).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inverse.certifying import Dense
from inverse.denoise import Prior
from inverse.priors import GaussianPrior, Mixture, MixturePosterior
from operators import Problem, gaussian, seed_for


class Draw:
    """Numbers in float64 from one seeded stream."""

    def __init__(self, *keys: int | str) -> None:
        self.generator = torch.Generator().manual_seed(seed_for(*keys))

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=self.generator)

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, dtype=torch.float64, generator=self.generator)


@dataclass(frozen=True)
class Protocol:
    """A family of problems.

    Attributes:
        sizes, measurements: the d and m of its table. steps: network calls as published.
        weights: of the 25 components, not normalised; None for the Gaussian prior.
        spectrum: whether the singular values of A are uniform on (0, 1) instead of A's own.
        sigma: noise standard deviation, from the draw and A's largest singular value.
        end: the finest noise-to-signal ratio of its schedule.
        paper: what it is the protocol of.
    """

    sizes: tuple[int, ...]
    measurements: tuple[int, ...]
    steps: int
    weights: Callable[[Draw], Tensor] | None
    spectrum: bool
    sigma: Callable[[Draw, float], float]
    end: float
    paper: str


def _fixed(sigma: float) -> Callable[[Draw, float], float]:
    return lambda draw, top: sigma


def _tmpd(sigma: float) -> Protocol:
    paper = "Boys et al., 2023, arXiv:2310.06721 (TMPD)"
    even = torch.ones(25, dtype=torch.float64)
    sizes = (8, 80, 800), (1, 2, 4)
    return Protocol(*sizes, 1000, lambda draw: even, True, _fixed(sigma), 0.01, paper)


PROTOCOLS = {
    "mcgdiff": Protocol(
        (8, 80, 800),
        (1, 2, 4),
        20,
        lambda draw: draw.normal(25) ** 2,
        True,
        lambda draw, top: float(draw.uniform(1)) * top,
        0.143,
        "Cardoso et al., 2024, arXiv:2308.07983 (MCGdiff)",
    ),
    "tmpd_001": _tmpd(0.01),
    "tmpd_01": _tmpd(0.1),
    "tmpd_1": _tmpd(1.0),
    "mgps": Protocol(
        (20, 200),
        (1,),
        300,
        lambda draw: draw.uniform(25),
        False,
        _fixed(0.05),
        0.01,
        "Moufad et al., 2024, arXiv:2410.09945 (MGPS)",
    ),
    "gaussian": Protocol(
        (100,),
        (50,),
        300,
        None,
        False,
        _fixed(0.1),
        0.01,
        "Moufad et al., 2024, arXiv:2410.09945 (MGPS), its released test",
    ),
}


@dataclass(frozen=True)
class Instance:
    """One problem: a prior, a measurement of one draw from it, and the law of that draw given it.

    ``problem(count)`` is the same measurement ``count`` times. ``modes`` are the prior's means,
    ``radius`` the root mean square distance from the origin of the farthest mode's draws.
    """

    prior: Prior
    operator: Dense
    sigma: float
    y: Tensor
    posterior: MixturePosterior
    modes: Tensor
    radius: float

    def problem(self, count: int) -> Problem:
        y = self.y.float().expand(count, -1).contiguous()
        return Problem(self.operator, gaussian(self.sigma), y)


def means(d: int) -> Tensor:
    """The 25 means, (25, d)."""
    steps = torch.arange(-2, 3, dtype=torch.float64) * 8
    return torch.cartesian_prod(steps, steps).repeat(1, d // 2)


def instance(name: str, d: int, m: int, index: int) -> Instance:
    """Problem ``index`` of protocol ``name`` with d unknowns and m measurements."""
    protocol, draw = PROTOCOLS[name], Draw(name, d, m, index)
    prior, modes, truth = _prior(protocol, d, draw)
    left, s, right = torch.linalg.svd(draw.normal(m, d), full_matrices=False)
    if protocol.spectrum:
        s = draw.uniform(m).sort(descending=True).values
    matrix = left * s @ right
    sigma = protocol.sigma(draw, float(s.max()))
    y = matrix @ truth + sigma * draw.normal(m)
    if isinstance(prior, Mixture):
        posterior, spread = prior.posterior(matrix, y, sigma), d * prior.variance
    else:
        mean, cov = prior.posterior(matrix, y[None], sigma)
        posterior, spread = MixturePosterior(torch.ones(1).double(), mean, cov), prior.values.sum()
    radius = float((modes.square().sum(1).max() + spread).sqrt())
    return Instance(prior.float(), Dense(left, s, right), sigma, y, posterior, modes, radius)


def _prior(
    protocol: Protocol, d: int, draw: Draw
) -> tuple[GaussianPrior | Mixture, Tensor, Tensor]:
    """The prior in float64, the means of its modes, and a draw from it.

    The Gaussian has covariance M M^T + I, M of independent normal entries with rows of norm one.
    """
    if protocol.weights is None:
        rows = torch.nn.functional.normalize(draw.normal(d, d))
        zero, cov = torch.zeros(d, dtype=torch.float64), rows @ rows.T + torch.eye(d).double()
        truth = torch.linalg.cholesky(cov) @ draw.normal(d)
        return GaussianPrior((1, 1, d), zero, cov), zero[None], truth
    modes, weights = means(d), protocol.weights(draw)
    chosen = torch.multinomial(weights, 1, generator=draw.generator)[0]
    return Mixture((1, 1, d), modes, weights), modes, modes[chosen] + draw.normal(d)
