"""A small mixture of low rank plus a diagonal, and the same written out."""

import torch

from inverse.priors import LowRankMixture

SHAPE, D = (3, 4, 4), 48


def mixture(components: int = 3, rank: int = 2, seed: int = 0) -> LowRankMixture:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    means, factors = normal(components, D), normal(components, D, rank)
    weights, variances = normal(components).abs() + 0.2, normal(components, D).abs() / 2 + 0.1
    return LowRankMixture(SHAPE, weights, means, factors, variances)


def covariances(prior: LowRankMixture) -> torch.Tensor:
    return prior.factors @ prior.factors.mT + torch.diag_embed(prior.variances)


def brute(prior, matrix, noise, observed):
    """Mean, variance and log-density of x0 given `observed = matrix x0 + N(0, diag(noise))`."""
    logs, means, variances = [], [], []
    for w, m, c in zip(prior.log_weights, prior.means, covariances(prior), strict=True):
        inner = matrix @ c @ matrix.T + noise.diag()
        gain = torch.linalg.solve(inner, matrix @ c).T
        law = torch.distributions.MultivariateNormal(matrix @ m, inner)
        logs.append(w + law.log_prob(observed))
        means.append(m + (observed - matrix @ m) @ gain.T)
        variances.append((c - gain @ matrix @ c).diagonal())
    log = torch.stack(logs, -1)
    share, means, variances = (
        log.softmax(-1)[..., None],
        torch.stack(means, 1),
        torch.stack(variances),
    )
    mean = (share * means).sum(1)
    variance = (share * (variances + (means - mean[:, None]) ** 2)).sum(1)
    return mean, variance, log.logsumexp(-1)
