"""Draws from the posterior of a random walk's jumps that was measured linearly, by Gibbs sampling.

All chains go side by side, (B, ...). Reference: Bohra et al., 2023, doi:10.1109/TSP.2023.3280439;
for jumps that may be 0, George and McCulloch, 1993, doi:10.2307/2290777, jumps integrated out.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from inverse.certifying.laws import Law, normal, uniform


def chains(
    law: Law, matrix: Tensor, y: Tensor, sigma: float, generator: torch.Generator
) -> Iterator[Tensor]:
    """Jumps u (B, d) after each sweep, for ever: `y = matrix u + sigma n`, y (B, m)."""
    walk = _always if law.share == 1 else _sometimes
    return walk(law, matrix, y, sigma, generator)


def _always(
    law: Law, matrix: Tensor, y: Tensor, sigma: float, generator: torch.Generator
) -> Iterator[Tensor]:
    """Jumps given their variances are Gaussian, and variances given the jumps independent."""
    gram, seen = matrix.T @ matrix / sigma**2, (y @ matrix / sigma**2)[..., None]
    v = law.variances((len(y), matrix.shape[1]), generator)
    while True:
        root = torch.linalg.cholesky(gram + torch.diag_embed(1 / v))
        noise = normal((*v.shape, 1), generator)
        white = torch.linalg.solve_triangular(root, seen, upper=False) + noise
        u = torch.linalg.solve_triangular(root.mT, white, upper=True)[..., 0]
        v = law.variances_of(u, generator)
        yield u


def _sometimes(
    law: Law, matrix: Tensor, y: Tensor, sigma: float, generator: torch.Generator
) -> Iterator[Tensor]:
    """Which jumps are there is drawn with all of them integrated out, one by one, then moved."""
    shape = len(y), matrix.shape[1]
    v = law.variances(shape, generator)
    there = (uniform(shape, generator) < law.share).to(y)
    one = torch.eye(len(matrix)).to(y) * sigma**2
    while True:
        inverse = torch.linalg.inv((matrix * (there * v)[:, None]) @ matrix.T + one)
        inverse = _flips(law, matrix, y, inverse, there, v, generator)
        _exchanges(matrix, y, inverse, there, v, generator)
        inverse = torch.linalg.inv((matrix * (there * v)[:, None]) @ matrix.T + one)
        start = (there * v).sqrt() * normal(shape, generator)
        rest = y - start @ matrix.T - sigma * normal(y.shape, generator)
        u = start + there * v * ((inverse @ rest[..., None])[..., 0] @ matrix)
        fresh = law.variances(shape, generator)
        v = torch.where(there > 0, law.variances_of(u, generator), fresh)
        yield u


def _flips(
    law: Law,
    matrix: Tensor,
    y: Tensor,
    inverse: Tensor,
    there: Tensor,
    v: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Each jump is there or not, given the others; `there` is changed in place."""
    odds = math.log(law.share / (1 - law.share))
    for i, column in enumerate(matrix.T):
        w, on, size = inverse @ column, there[:, i], v[:, i]
        without = 1 / (1 - on * size * (w @ column))  # of the inverse, were this jump not there
        q, c = (w @ column) * without, (w * y).sum(1) * without
        fit = odds - torch.log1p(size * q) / 2 + size * c**2 / (1 + size * q) / 2
        new = (uniform(fit.shape, generator) < fit.sigmoid()).to(y)
        change = size * without * (on - new * without / (1 + size * q))
        inverse = inverse + change[:, None, None] * w[:, :, None] * w[:, None]
        there[:, i] = new
    return inverse


def _exchanges(
    matrix: Tensor,
    y: Tensor,
    inverse: Tensor,
    there: Tensor,
    v: Tensor,
    generator: torch.Generator,
) -> None:
    """Jumps at neighbours change places, by Metropolis' rule; `there` and `v` change in place."""
    for i in range(matrix.shape[1] - 1):
        pair, power = matrix[:, i : i + 2], there * v
        size = (power[:, i + 1] - power[:, i])[:, None] * torch.tensor([1.0, -1.0]).to(y)
        w = inverse @ pair
        inner = torch.eye(2).to(y) + size[:, :, None] * (pair.T @ w)
        c = (w.mT @ y[..., None])[..., 0]
        weight = torch.linalg.solve(inner, torch.diag_embed(size))
        gain = torch.einsum("bi,bij,bj->b", c, weight, c) - torch.linalg.det(inner).log()
        taken = uniform(gain.shape, generator).log() < gain / 2
        inverse = inverse - taken[:, None, None] * (w @ weight @ w.mT)
        for part in (there, v):
            swapped = part[:, [i + 1, i]]
            part[:, i : i + 2] = torch.where(taken[:, None], swapped, part[:, i : i + 2])
