"""The exact posterior of a Gaussian mixture under a linear measurement."""

import pytest
import torch

from inverse.priors import Mixture


def normal_log(x: torch.Tensor, mean: torch.Tensor, cov: torch.Tensor) -> torch.Tensor:
    return torch.distributions.MultivariateNormal(mean, cov).log_prob(x)


MEANS = torch.tensor([[-2.0, 1.0], [1.5, 0.5], [2.0, -2.5]], dtype=torch.float64)
WEIGHTS = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
ROW, Y, SIGMA = torch.tensor([[0.6, -1.1]], dtype=torch.float64), torch.tensor([1.0]).double(), 0.7


def small_posterior():
    return Mixture((1, 1, 2), MEANS, WEIGHTS, 0.4).posterior(ROW, Y, SIGMA)


def test_mixture_posterior_is_prior_times_likelihood():
    """Its density on a grid against Bayes' rule, normalised by quadrature."""
    law, axis = small_posterior(), torch.linspace(-8, 8, 401, dtype=torch.float64)
    x = torch.cartesian_prod(axis, axis)
    cell = float(axis[1] - axis[0]) ** 2
    prior = sum(
        w * normal_log(x, m, 0.4 * torch.eye(2).double()).exp()
        for w, m in zip(WEIGHTS, MEANS, strict=True)
    )
    joint = prior * torch.exp(-((Y - x @ ROW.T)[:, 0] ** 2) / (2 * SIGMA**2))
    exact = joint / (joint.sum() * cell)
    density = sum(
        w * normal_log(x, m, law.covariance).exp()
        for w, m in zip(law.weights, law.means, strict=True)
    )
    assert float((density - exact).abs().max()) < 1e-9 * float(exact.max())


def test_mixture_posterior_draws_have_its_moments():
    law = small_posterior()
    x = law.sample(40000, torch.Generator().manual_seed(0))
    mean = law.weights @ law.means
    centred = law.means - mean
    cov = law.covariance + centred.T @ (law.weights[:, None] * centred)
    assert torch.allclose(x.mean(0), mean, atol=0.03)
    assert torch.allclose(torch.cov(x.T), cov, atol=0.08)


def test_a_y_of_the_wrong_size_is_refused():
    with pytest.raises(ValueError, match=r"y must be \(1,\) for this matrix, got \(2,\)"):
        Mixture((1, 1, 2), MEANS, WEIGHTS).posterior(ROW, torch.zeros(2), SIGMA)
