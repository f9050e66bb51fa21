"""DMPS: the published update by hand, and its posterior where the flat prior is true."""

import pytest
import torch

from inverse import solvers
from inverse.priors import GaussianPrior
from inverse.solvers._dmps import Flat
from tests.inverse.cases import DIM, SHAPE, Joint, Rng64, dense_problem, gaussian_prior


@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_a_step_of_dmps_by_hand(sigma):
    """Alg. 1 with one-step alphas: the DDPM mean, its noise, lam (1 - alpha) / sqrt(alpha) g."""
    prior = gaussian_prior()
    given, matrix = dense_problem(sigma, batch=2)
    solver = solvers.dmps(prior, steps=4, lam=1.75)
    (a, b), draws = solver.grid()[:2], Rng64([4, 5])
    x, z = (draws.normal((2, *SHAPE)).flatten(1) for _ in range(2))
    x = a.sigma * x
    gain = a.alpha * prior.values / (a.alpha**2 * prior.values + a.sigma**2)
    x0 = prior.mean + (x - a.alpha * prior.mean) @ (prior.vectors * gain) @ prior.vectors.T
    alpha = (a.alpha / b.alpha) ** 2  # of this step
    score = (a.alpha * x0 - x) / a.sigma**2
    mean = (x + (1 - alpha) * score) / alpha**0.5
    spread = ((1 - alpha) * b.sigma**2 / a.sigma**2) ** 0.5
    inner = a.nsr**2 * matrix @ matrix.T + max(sigma, 1e-3) ** 2 * torch.eye(len(matrix))
    g = torch.linalg.solve(inner, (given.y - x @ matrix.T / a.alpha).T).T @ matrix / a.alpha
    exact = mean + spread * z + 1.75 * (1 - alpha) / alpha**0.5 * g
    state = next(solver.iterate(given, Rng64([4, 5]))).x
    assert torch.allclose(state.flatten(1), exact, atol=1e-8)


def test_dmps_of_weight_one_is_exact_under_a_flat_prior():
    count = 2000
    flat = GaussianPrior(SHAPE, torch.zeros(DIM).double(), 400.0 * torch.eye(DIM).double())
    given, matrix = dense_problem(0.3, batch=count)
    mean, cov = flat.posterior(matrix, given.y[:1], 0.3)
    x = list(solvers.dmps(flat, steps=600, lam=1.0).iterate(given, Joint(count)))[-1].x0.flatten(1)
    rows = torch.linalg.svd(matrix).Vh[:4].T  # what the data determine
    seen, known = x @ rows, rows.T @ cov @ rows
    assert float((seen.mean(0) - mean[0] @ rows).norm() / known.diagonal().sum().sqrt()) < 0.06
    assert float((torch.cov(seen.T) - known).norm() / known.norm()) < 0.1


def test_the_residual_of_dmps_falls_to_the_noise_level():
    given, _ = dense_problem(0.1, batch=200)
    iterates = list(solvers.dmps(gaussian_prior(), steps=200).iterate(given, Joint(200)))
    first, last = (given.relative_residual(iterates[i].x0).mean() for i in (0, -1))
    assert first > 5 and 0.2 < last < 1.0  # below 1: lam = 1.75 trusts the data too much


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="lam must not be negative"):
        Flat(-1.0)
