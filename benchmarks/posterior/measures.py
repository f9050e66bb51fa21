"""Distances between samples, or between samples and the exact law."""

import torch
from torch import Tensor

from benchmarks.posterior.problems import Instance

MEASURES = ("sliced", "modes", "gaussian")
DIRECTIONS = 1000


def directions(d: int) -> Tensor:
    """The fixed random unit directions of `sliced`, (d, 1000)."""
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(d, DIRECTIONS, dtype=torch.float64, generator=generator)
    return (v / v.norm(dim=0)).float()


def project(x: Tensor) -> Tensor:
    """The samples x (n, d) along each direction, sorted: (1000, n)."""
    return (directions(x.shape[1]).T @ x.float().T).sort(1).values


def sliced(x: Tensor, reference: Tensor) -> float:
    """Sliced 1-Wasserstein distance to samples given by `project`: the mean over directions.

    Fewer samples x than reference ones meet as many of their quantiles.
    """
    ranks = (torch.arange(len(x)) + 0.5) * (reference.shape[1] / len(x))
    return float((project(x) - reference[:, ranks.long()]).abs().mean())


def mode_error(x: Tensor, problem: Instance) -> float:
    """Total variation between the exact mode weights and the shares of the nearest prior mean."""
    nearest = torch.cdist(x.double(), problem.modes).argmin(1)
    shares = torch.bincount(nearest, minlength=len(problem.modes)).double() / len(x)
    return float((shares - problem.posterior.weights).abs().sum() / 2)


def gaussian_distance(x: Tensor, problem: Instance) -> float:
    """2-Wasserstein distance between the Gaussian fitted to x and the (Gaussian) posterior.

    ``|m - m'|^2 + tr(C + C' - 2 (C'^{1/2} C C'^{1/2})^{1/2})``.
    """
    x, law = x.double(), problem.posterior
    values, vectors = torch.linalg.eigh(law.covariance)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    cov = torch.cov(x.T)
    cross = torch.linalg.eigvalsh(root @ cov @ root).clamp_min(0).sqrt().sum()
    spread = cov.trace() + law.covariance.trace() - 2 * cross
    return float(((x.mean(0) - law.means[0]).square().sum() + spread).clamp_min(0).sqrt())


def distances(x: Tensor, reference: Tensor, problem: Instance) -> dict[str, float]:
    """Of the samples x (n, d): to draws of the posterior, projected, and to its exact law."""
    found = {"sliced": sliced(x, reference)}
    if len(problem.modes) > 1:
        return found | {"modes": mode_error(x, problem)}
    return found | {"gaussian": gaussian_distance(x, problem)}
