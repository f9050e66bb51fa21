"""Problems whose posterior is known: random walks and mixtures of Gaussians, measured linearly."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from inverse.certifying.dense import Dense
from inverse.certifying.gibbs import chains
from inverse.certifying.laws import FLOAT, LAWS, Gauss, Law, normal, uniform
from inverse.certifying.walks import WalkPrior
from inverse.denoise import Prior
from inverse.priors import GaussianPrior, Mixture
from operators import Problem, gaussian, seed_for

TASKS = ("denoise", "deconvolve", "impute", "fourier")
SIZE = 32
SIGNAL_TO_NOISE = 25  # dB, of the median power
WIDTH = 0.5  # of the values: what solvers for images in [-1, 1] count on
CHAINS, SWEEPS, WARMUP, EVERY = 4, 200, 60, 4


@dataclass(frozen=True, eq=False)
class Trial:
    """M measurements of signals of d values, and draws from the law of each signal given its own.

    Attributes:
        name: what is drawn and how it is measured. y: (M, m). draws: (M, n, d), and `others` of
            chains of their own, (M, n, d): as good as any solver could be.
    """

    name: str
    prior: Prior
    operator: Dense
    sigma: float
    y: Tensor
    draws: Tensor
    others: Tensor

    def problem(self, count: int) -> Problem:
        """Each measurement `count` times, one after another."""
        y = self.y.float().repeat_interleave(count, 0)
        return Problem(self.operator, gaussian(self.sigma), y)


def trials(
    laws: Sequence[str], tasks: Sequence[str], mixtures: bool, measurements: int, seed: int
) -> Iterator[Trial]:
    """Every law with every task, then the mixtures."""
    for law in laws:
        for task in tasks:
            yield walk(law, task, measurements, seed)
    for seen in (1, 2, 4) if mixtures else ():
        yield mixture(seen, measurements, seed)


def walk(name: str, task: str, measurements: int, seed: int, size: int = SIZE) -> Trial:
    """A random walk whose jumps are of a law of `LAWS`, measured as a task of `TASKS` says.

    Reference: Zach et al., 2026, openreview zDI2G8t0of (laws, tasks, signal to noise; 64 values).
    """
    law, stream = LAWS[name], torch.Generator().manual_seed(seed_for(seed, name, task))
    walks = law.draw((4000, size), stream).cumsum(1)
    scale = WIDTH / float(walks.square().mean(1).sqrt().median())
    matrix = task_matrix(task, size, stream)
    power = (scale * walks @ matrix.T).square().mean(1).median()
    sigma = float(power.sqrt()) * 10 ** (-SIGNAL_TO_NOISE / 20)
    x = scale * law.draw((measurements, size), stream).cumsum(1)
    y = x @ matrix.T + sigma * normal((measurements, len(matrix)), stream)
    sums = scale * torch.ones(size, size, dtype=FLOAT).tril()
    found = posterior(law, matrix, sums, y, sigma, stream)
    prior = _prior(law, scale, sums, walks)
    return Trial(f"{name}, {task}", prior, as_dense(matrix), sigma, y, *found)


def _prior(law: Law, scale: float, sums: Tensor, walks: Tensor) -> Prior:
    shape = (1, 1, len(sums))
    if isinstance(law, Gauss):
        cov = law.variance * sums @ sums.T
        return GaussianPrior(shape, torch.zeros(len(sums), dtype=FLOAT), cov).float()
    reach = 1.3 * float(walks.abs().amax(1).quantile(0.999))
    return WalkPrior(shape, law, scale, reach)


def posterior(
    law: Law, matrix: Tensor, sums: Tensor, y: Tensor, sigma: float, stream: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draws of `x = sums u` given y, by chains that share nothing: twice (M, n, d)."""
    repeated = y.repeat_interleave(2 * CHAINS, 0)
    walk = chains(law, matrix @ sums, repeated, sigma, stream)
    kept = torch.stack([u @ sums.T for u in islice(walk, WARMUP, WARMUP + SWEEPS, EVERY)], 1)
    groups = kept.view(len(y), 2, -1, len(sums))
    return groups[:, 0], groups[:, 1]


def task_matrix(task: str, size: int, stream: torch.Generator) -> Tensor:
    """What a task measures, (m, size).

    Everything; a Gaussian blur of deviation 2 over 13 values; 6 of 10 values; the five lowest
    frequencies and half of the others.
    """
    one = torch.eye(size, dtype=FLOAT)
    if task == "denoise":
        return one
    if task == "impute":
        return one[uniform((size,), stream) < 0.6]
    if task == "deconvolve":
        apart = torch.arange(size)[:, None] - torch.arange(size)
        kernel = torch.exp(-apart.double().square() / 8) * (apart.abs() <= 6)
        return kernel / kernel[size // 2].sum()
    k = torch.arange(size // 2 + 1, dtype=FLOAT)
    kept = (k < 5) | (uniform(k.shape, stream) < 0.5)
    angle = 2 * math.pi / size * k[:, None] * torch.arange(size)
    rows = torch.cat([angle.cos()[kept], angle.sin()[kept & (k > 0) & (k < size / 2)]])
    return torch.nn.functional.normalize(rows)


def as_dense(matrix: Tensor) -> Dense:
    return Dense(*torch.linalg.svd(matrix, full_matrices=False))


def mixture(seen: int, measurements: int, seed: int, size: int = 8) -> Trial:
    """25 Gaussians on a grid, measured `seen` times along random directions.

    Reference: Cardoso et al., 2024, arXiv:2308.07983 (MCGdiff), its weights and means over 32.
    """
    stream = torch.Generator().manual_seed(seed_for(seed, "mixture", seen))
    grid = torch.arange(-2, 3, dtype=FLOAT) / 4
    means = torch.cartesian_prod(grid, grid).repeat(1, size // 2)
    weights = normal((25,), stream).square()
    prior = Mixture((1, 1, size), means, weights, variance=1 / 32**2)
    matrix = torch.linalg.svd(normal((seen, size), stream), full_matrices=False)[2]
    chosen = torch.multinomial(weights, measurements, replacement=True, generator=stream)
    x = means[chosen] + normal((measurements, size), stream) / 32
    sigma = 0.05
    y = x @ matrix.T + sigma * normal((measurements, seen), stream)
    laws = [prior.posterior(matrix, row, sigma) for row in y]
    twice = [torch.stack([law.sample(400, stream) for law in laws]) for _ in range(2)]
    name = f"25 Gaussians, {seen} of {size} directions"
    return Trial(name, prior.float(), as_dense(matrix), sigma, y, *twice)
