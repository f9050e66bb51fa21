"""Exact Gaussian posteriors: what each composition gets right, and what it must not be asked."""

import pytest
import torch

from inverse import solvers
from inverse.denoise import Conditioned, Guided
from inverse.flows import PinvScore, ScoreFlow
from inverse.levels import VE, VP, Grid
from inverse.priors import GaussianPrior, Mixture
from inverse.samplers import Nested, Process
from inverse.steps import Project, Prox
from inverse.transitions import DDIM, DPMSolver2M, Heun, Renoise
from tests.inverse.cases import (
    DIM,
    SHAPE,
    Exact,
    Rng64,
    covariance,
    dense_problem,
    gaussian_prior,
)

COUNT = 2000
PRIOR = gaussian_prior()
PROBLEM, MATRIX = dense_problem(batch=COUNT)
MEAN, COV = PRIOR.posterior(MATRIX, PROBLEM.y[:1], PROBLEM.sigma)


def draw(process: Process) -> torch.Tensor:
    return list(process.iterate(PROBLEM, Rng64(range(COUNT))))[-1].x0.flatten(1)


def errors(process: Process) -> tuple[float, float]:
    """Distance of the mean, relative to the posterior's spread, and the variance ratio."""
    x = draw(process)
    spread = COV.diagonal().sum().sqrt()
    ratio = x.var(0).sum() / COV.diagonal().sum()
    return float((x.mean(0) - MEAN[0]).norm() / spread), float(ratio)


EXACT = Exact(PRIOR, MATRIX)
GRID = Grid(40, start=40.0, end=0.01)


@pytest.mark.parametrize(
    "process",
    [
        Process(Guided(PRIOR, EXACT), DDIM(0), Grid(200, start=40.0, end=0.01)),
        Process(Guided(PRIOR, EXACT), DDIM(1), Grid(200, start=40.0, end=0.01)),
        Process(Guided(PRIOR, EXACT), Heun(), GRID),
        Process(Guided(PRIOR, EXACT), DPMSolver2M(), GRID),
        Process(Guided(PRIOR, EXACT), Heun(), Grid(40, VP(), start=40.0, end=0.01)),
        Process(PRIOR, Heun(), Grid(80, start=40.0, end=0.01), ScoreFlow(EXACT), "unsplit"),
        Process(
            PRIOR, Heun(), Grid(80, start=40.0, end=0.01), ScoreFlow(EXACT, midpoint=True),
            "strang",
        ),
    ],
    ids=["ddim0", "ddim1", "heun", "2m", "heun-vp", "flow", "strang"],
)  # fmt: skip
def test_exact_compositions_sample_the_posterior(process):
    mean, ratio = errors(process)
    assert mean < 0.08
    assert 0.9 < ratio < 1.1


def test_covariance_of_the_exact_sampler():
    x = draw(Process(Guided(PRIOR, EXACT), Heun(), GRID))
    assert float((torch.cov(x.T) - COV).norm() / COV.norm()) < 0.08


def nest(inner, outer, steps: int = 12) -> Process:
    chain = Process(Guided(PRIOR, EXACT), inner, Grid(steps, end=0.01))
    return Process(Nested(chain), outer, Grid(12, start=20.0, end=0.02))


@pytest.mark.slow
def test_an_outer_ode_needs_a_stochastic_inner_chain():
    """An inner ODE under an outer DDIM(0) doubles the variance; an inner SDE does not."""
    _, ode = errors(nest(Heun(), DDIM(0)))
    _, sde = errors(nest(DDIM(1), DDIM(0), steps=60))
    _, renoised = errors(nest(Heun(), Renoise(1)))
    assert ode > 1.5
    assert 0.85 < sde < 1.15
    assert 0.85 < renoised < 1.15


@pytest.mark.slow
def test_a_stochastic_transition_wants_the_data_flow_scaled():
    """With eta = 1 the data flow counts 1 + eta^2 = 2 times."""
    grid = Grid(150, start=40.0, end=0.01, spacing="log")
    plain, _ = errors(Process(PRIOR, DDIM(1), grid, ScoreFlow(EXACT)))
    scaled, _ = errors(Process(PRIOR, DDIM(1), grid, ScoreFlow(EXACT, eta=1.0)))
    assert scaled < 0.05
    assert plain > 5 * scaled


def test_a_nested_walk_that_keeps_its_noise_has_more_of_the_posteriors_spread():
    """As a sampler; fresh noise inside, our default, restores and claims too little spread."""
    levels = {
        "outer_steps": 4,
        "inner_least": 8,
        "inner_most": 8,
        "outer_start": 8.0,
        "outer_end": 2.0,
        "inner_end": 0.05,
    }
    warm = {"start_temperature": 1.0, "outer_temperature": 1.0, "equivariant": False, "lam": 1.0}

    def ratio(**kind: float) -> float:
        return errors(solvers.nested(PRIOR, inner_most_from=8.0, **levels, **warm, **kind))[1]

    kept, fresh = ratio(inner_eta=1.0), ratio()
    assert fresh < 0.5 < kept < 0.8


def test_pigdm_is_exact_on_a_white_prior_of_matched_variance():
    prior = GaussianPrior(SHAPE, torch.zeros(DIM).double(), 0.8 * torch.eye(DIM).double())
    mean, cov = prior.posterior(MATRIX, PROBLEM.y[:1], PROBLEM.sigma)
    guided = Guided(prior, PinvScore(data_variance=0.8))
    x = draw(Process(guided, Heun(), GRID))
    assert float((x.mean(0) - mean[0]).norm() / cov.diagonal().sum().sqrt()) < 0.08
    assert 0.9 < float(x.var(0).sum() / cov.diagonal().sum()) < 1.1


def test_the_solver_pigdm_is_exact_where_it_integrates_its_score():
    prior = GaussianPrior(SHAPE, torch.zeros(DIM).double(), 0.8 * torch.eye(DIM).double())
    mean, cov = prior.posterior(MATRIX, PROBLEM.y[:1], PROBLEM.sigma)
    kind = {"steps": 150, "start": 40.0, "data_variance": 0.8, "integrate": True}
    x = draw(solvers.pigdm(prior, **kind))
    assert float((x.mean(0) - mean[0]).norm() / cov.diagonal().sum().sqrt()) < 0.08
    assert 0.9 < float(x.var(0).sum() / cov.diagonal().sum()) < 1.1


def test_prox_of_a_flat_prior_is_its_posterior_mean():
    """Conditioned(prior, Prox(1)) is exact where x0 given x has variance nsr^2: a flat prior."""
    flat = GaussianPrior(SHAPE, torch.zeros(DIM).double(), 1e6 * torch.eye(DIM).double())
    x = torch.linspace(-1, 1, DIM).double().view(1, *SHAPE)
    problem, _ = dense_problem()
    level = VE()(0.5)
    x0 = Conditioned(flat, Prox(1.0))(x, level, problem, Rng64([0])).x0
    around = GaussianPrior(SHAPE, x.flatten(), 0.25 * torch.eye(DIM).double())
    mean, _ = around.posterior(MATRIX, problem.y, problem.sigma)
    assert torch.allclose(x0.flatten(1), mean, atol=1e-5)


def test_project_reproduces_the_data():
    problem, _ = dense_problem()
    x = torch.randn(1, *SHAPE, dtype=torch.float64)
    x0 = Project()(x, VE()(0.5), problem, Rng64([0]))
    assert float(problem.residual(x0).norm()) < 1e-8


def test_mixture_denoiser_matches_quadrature():
    """The mixture's E[x0 | x] against a dense integral in one dimension."""
    means = torch.tensor([[-2.0], [1.0], [3.0]], dtype=torch.float64)
    weights = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    prior, level = Mixture((1, 1, 1), means, weights, 0.3), VP()(0.4)
    x = torch.tensor([-1.5, 0.3, 2.0], dtype=torch.float64).view(3, 1, 1, 1)
    grid = torch.linspace(-8, 10, 20001, dtype=torch.float64)
    density = (weights * torch.exp(-((grid[:, None] - means[:, 0]) ** 2) / 0.6)).sum(1)
    joint = density * torch.exp(-((x.view(3, 1) - level.alpha * grid) ** 2) / 2 / level.sigma**2)
    exact = (joint * grid).sum(1) / joint.sum(1)
    assert torch.allclose(prior.denoise(x, level).flatten(), exact, atol=1e-8)


def test_gaussian_posterior_matches_bayes():
    """Its mean and covariance against the information form."""
    cov = covariance()
    precision = torch.linalg.inv(cov) + MATRIX.T @ MATRIX / PROBLEM.sigma**2
    right = torch.linalg.solve(cov, PRIOR.mean) + PROBLEM.y[0] @ MATRIX / PROBLEM.sigma**2
    assert torch.allclose(COV, torch.linalg.inv(precision), atol=1e-9)
    assert torch.allclose(MEAN[0], torch.linalg.solve(precision, right), atol=1e-9)
