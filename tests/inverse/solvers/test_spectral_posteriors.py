"""What DDRM and DDNM+ sample under a Gaussian prior that is diagonal in singular coordinates."""

import pytest
import torch

from inverse import solvers
from inverse.priors import GaussianPrior
from tests.inverse.cases import DIM, SHAPE, Joint, dense_problem

COUNT = 3000
VALUES = torch.tensor([0.9, 0.3, 1.5, 0.5, 1.2, 0.4, 0.7, 1.1], dtype=torch.float64)


def diagonal() -> tuple[GaussianPrior, torch.Tensor]:
    """A prior that is diagonal in the singular basis of `dense_problem`, and that basis."""
    _, matrix = dense_problem()
    basis = torch.linalg.svd(matrix).Vh
    mean = torch.linspace(-0.5, 0.5, DIM, dtype=torch.float64)
    return GaussianPrior(SHAPE, mean, basis.T @ torch.diag(VALUES) @ basis), basis


def draw(solver, given) -> torch.Tensor:
    return list(solver.iterate(given, Joint(COUNT)))[-1].x0.flatten(1)


@pytest.mark.parametrize("solver", [solvers.ddrm, solvers.ddnm_plus], ids=["ddrm", "ddnm_plus"])
def test_noiseless_and_deterministic_they_sample_the_posterior(solver):
    prior, _ = diagonal()
    given, matrix = dense_problem(sigma=0.0, batch=COUNT)
    x = draw(solver(prior, steps=300, eta=0.0), given)
    mean, cov = prior.posterior(matrix, given.y[:1], 0.0)
    assert float(given.residual(x.view(-1, *SHAPE)).abs().max()) < 1e-9
    assert float((x.mean(0) - mean[0]).norm() / cov.diagonal().sum().sqrt()) < 0.05
    assert float((torch.cov(x.T) - cov).norm() / cov.norm()) < 0.08


@pytest.mark.parametrize(("eta", "share"), [(0.85, 0.763), (1.0, 0.5)])
def test_a_constant_eta_shrinks_what_is_not_measured(eta, share):
    """As steps grow the unmeasured variance tends to (1 + sqrt(1 - eta^2)) / 2 of the prior's."""
    prior, _ = diagonal()
    given, matrix = dense_problem(sigma=0.0, batch=COUNT)
    x = draw(solvers.ddrm(prior, steps=600, eta=eta), given)
    _, cov = prior.posterior(matrix, given.y[:1], 0.0)
    assert abs(float(x.var(0).sum() / cov.diagonal().sum()) - share) < 0.04


def test_with_noise_more_steps_fall_onto_the_data_or_forget_them():
    """Nearly right in the mean with the published 20 steps; with many more, eta < 1 ends at y
    itself, without any spread, and eta = 1 at the prior's mean, with half its variance."""
    prior, basis = diagonal()
    given, matrix = dense_problem(sigma=0.3, batch=COUNT)
    mean, cov = prior.posterior(matrix, given.y[:1], 0.3)
    rows = basis[:4].T
    exact, spread = mean[0] @ rows, (rows.T @ cov @ rows).diagonal()
    y, start = given.operator.pinv(given.y[:1]).view(-1) @ rows, prior.mean @ rows
    published = draw(solvers.ddrm(prior), given) @ rows
    assert float(((published.mean(0) - exact) / spread.sqrt()).abs().max()) < 0.2
    fallen = draw(solvers.ddrm(prior, steps=300, eta=0.0), given) @ rows
    assert float(((fallen.mean(0) - y) / (exact - y)).abs().max()) < 0.4
    assert float(fallen.var(0).max()) < 1e-9
    forgot = draw(solvers.ddrm(prior, steps=300, eta=1.0), given) @ rows
    assert abs(float((forgot.mean(0) - start)[-1])) < 0.02  # the noisiest coordinate goes first
    assert abs(float(forgot.var(0)[-1] / VALUES[3]) - 0.5) < 0.05
