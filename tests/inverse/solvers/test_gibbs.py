"""Split Gibbs sampling: the law it tends to at a finite distance rho, in closed form."""

import pytest
import torch

from inverse.denoise import LINEAR, Denoiser, estimate
from inverse.levels import CLEAN, DATA_FIRST, VE, Ladder, Level
from inverse.samplers import Averaged, Process
from inverse.solvers import pnpdm
from inverse.solvers._pnpdm import Stepped
from inverse.starts import Grey
from inverse.steps import Prox, Sample
from inverse.transitions import Anneal
from operators import Rng
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem, gaussian_prior

COUNT = 8000
PRIOR = gaussian_prior()
PROBLEM, MATRIX = dense_problem()
MANY = PROBLEM.repeat(COUNT)  # chains, all fed by one stream: Rng64([seed]).each(COUNT)


def split_posterior(rho):
    """Of x when y = A z + sigma n and z = x + rho e: noise of covariance sigma^2 + rho^2 A A^T."""
    cov = (PRIOR.vectors * PRIOR.values) @ PRIOR.vectors.T
    noise = PROBLEM.sigma**2 * torch.eye(4).double() + rho**2 * MATRIX @ MATRIX.T
    gain = torch.linalg.solve(MATRIX @ cov @ MATRIX.T + noise, MATRIX @ cov).T
    mean = PRIOR.mean + (PROBLEM.y - PRIOR.mean @ MATRIX.T) @ gain.T
    return mean[0], cov - gain @ MATRIX @ cov


class ExactDraw(Denoiser):
    """A draw from p(x0 | x), which for a Gaussian prior is a Gaussian."""

    def forward(self, x, level, problem, rng):
        gain = PRIOR.values / (PRIOR.values + level.sigma**2)
        noise = rng.normal(x.shape).flatten(1) @ PRIOR.vectors * (gain * level.sigma**2).sqrt()
        x0 = PRIOR.denoise(x, level) + (noise @ PRIOR.vectors.T).view_as(x)
        return estimate(x, x0, level)


def gibbs(denoiser, rho, steps):
    ladder = Ladder(steps, start=rho, decay=1.0, end=rho)
    return Process(denoiser, Anneal(0.0), ladder, Stepped(Sample()), DATA_FIRST, Grey())


def off(sampler, want, seed=0):
    """How far the last samples are: their mean in standard errors, their covariance relatively."""
    *_, last = sampler.iterate(MANY, Rng64([seed]).each(COUNT))
    x, (mean, cov) = last.x0.flatten(1), want
    errors = (x.mean(0) - mean) / (cov.diagonal() / COUNT).sqrt()
    return float(errors.abs().max()), float((torch.cov(x.T) - cov).norm() / cov.norm())


@pytest.mark.parametrize(("rho", "steps"), [(1.0, 20), (0.3, 100)])
def test_exact_draws_tend_to_the_split_posterior(rho, steps):
    """From mid-grey, two standard deviations away; and not to the posterior itself."""
    errors, spread = off(gibbs(ExactDraw(), rho, steps), split_posterior(rho))
    assert errors < 4.5 and spread < 0.05
    mean, cov = PRIOR.posterior(MATRIX, PROBLEM.y, PROBLEM.sigma)
    bias = (split_posterior(rho)[1] - cov).norm() / cov.norm()
    assert bias > 0.1 if rho == 1.0 else bias < 0.1


@pytest.mark.slow
def test_pnpdm_tends_to_the_split_posterior():
    """The reverse diffusion in place of the exact draw, up to its own discretisation."""
    sampler = pnpdm(PRIOR, steps=12, rho=2.0, decay=0.8, floor=1.0, inner=80)
    mean, cov = split_posterior(1.0)
    *_, last = sampler.iterate(MANY, Rng64([1]).each(COUNT))
    x = last.x0.flatten(1)
    assert float((x.mean(0) - mean).norm() / cov.diagonal().sum().sqrt()) < 0.05
    assert float((torch.cov(x.T) - cov).norm() / cov.norm()) < 0.08


def test_the_mean_after_the_burn_in_is_the_mean_of_the_samples():
    problem = PROBLEM.repeat(3)
    chain = pnpdm(PRIOR, steps=7, rho=1.0, inner=4)
    samples = [it.x0 for it in chain.iterate(problem, Rng64([1, 2, 3]))]
    means = list(
        pnpdm(PRIOR, steps=7, rho=1.0, inner=4, burn_in=3).iterate(problem, Rng64([1, 2, 3]))
    )
    assert torch.equal(means[2].x0, samples[2])
    assert torch.allclose(means[-1].x0, torch.stack(samples[3:]).mean(0), atol=1e-12)
    assert torch.equal(means[-1].x, samples[-1])  # the chain itself goes on unchanged


def test_the_mean_tends_to_the_posterior_mean():
    mean, cov = split_posterior(1.0)
    sampler = Averaged(gibbs(ExactDraw(), 1.0, 200), burn_in=20)
    problem, rng = PROBLEM.repeat(50), Rng64([2]).each(50)
    *_, last = sampler.iterate(problem, rng)
    error = (last.x0.flatten(1) - mean).square().sum(1) / cov.diagonal().sum()
    assert float(error.mean()) < 0.05  # of one sample: 1


def test_sample_scatters_about_prox():
    class Silent(Rng):
        def normal(self, shape, dtype=torch.float64):
            return torch.zeros(shape, dtype=dtype)

    x, level = (
        torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(0)).double(),
        VE()(0.5),
    )
    mean = Prox(2.0)(x, level, PROBLEM, Rng([0]))
    assert torch.allclose(Sample(2.0)(x, level, PROBLEM, Silent([0])), mean)
    draws = Sample(2.0)(x.expand(COUNT, *SHAPE), level, MANY, Rng64([0]).each(COUNT)).flatten(1)
    inner = MATRIX.T @ MATRIX / PROBLEM.sigma**2 + 2.0 / 0.25 * torch.eye(DIM)
    want = torch.linalg.inv(inner)
    assert float((torch.cov(draws.T) - want).norm() / want.norm()) < 0.06
    assert torch.allclose(draws.mean(0), mean.flatten(), atol=0.02)


def test_ladder_comes_down_and_stays():
    levels = Ladder(5, start=4.0, decay=0.5, end=0.8)()
    assert levels == (*(Level(1.0, s) for s in (4.0, 2.0, 1.0, 0.8, 0.8)), CLEAN)
    assert Ladder(2, start=4.0, decay=0.5, end=0.8)(Level(0.5, 1.0))[0] == Level(1.0, 2.0)


def test_what_pnpdm_requires():
    assert pnpdm(PRIOR).requires == pnpdm(PRIOR, burn_in=1).requires == {LINEAR}


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Ladder(0, start=1.0, decay=0.9, end=0.3), "at least 1"),
        (lambda: Ladder(3, start=0.1, decay=0.9, end=0.3), "0 < end <= start"),
        (lambda: Ladder(3, start=1.0, decay=1.1, end=0.3), "decay <= 1"),
        (lambda: Sample(0.0), "lam must be positive"),
        (lambda: pnpdm(PRIOR, burn_in=-1), "must not be negative"),
    ],
)
def test_wrong_settings_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_a_data_step_is_not_divided():
    ladder = Ladder(2, start=1.0, decay=1.0, end=1.0)
    process = Process(ExactDraw(), Anneal(0.0), ladder, Stepped(Sample()), "strang", Grey())
    with pytest.raises(ValueError, match="cannot be divided"):
        list(process.iterate(PROBLEM, Rng64([0])))
