"""Replacing the measured part of the state: Score-SDE, RePaint, MCG, ILVR."""

from itertools import pairwise

import pytest
import torch

from inverse import solvers
from inverse.denoise import BACKWARD, LINEAR, MASK, Evaluation, Unfit
from inverse.flows import Replace
from inverse.flows.replace import reduced
from inverse.levels import CLEAN, VP
from inverse.priors import GaussianPrior
from operators import Inpaint, Problem, Rng, downsample, gaussian, measure
from tests.inverse.cases import DIM, SHAPE, Joint, Rng64, dense_problem, gaussian_prior
from tests.inverse.solver_cases import problem, tiny_prior
from tests.operators.operator_cases import CASES, dense, draw, matvec

COUNT = 2000


@pytest.mark.parametrize("level", [VP().at(0.7), CLEAN], ids=["noisy", "clean"])
@pytest.mark.parametrize("name", ["inpaint", "blur odd", "dense", "downsample", "composed mask"])
def test_replacement_in_the_dense_matrix(name, level):
    operator = CASES[name]().double()
    x, y = draw(operator, seed=5)
    given = Problem(operator, gaussian(0.1), operator.support(y))
    moved = Replace()(
        Evaluation(gaussian_prior(), x, level, given, Rng64([1, 2, 3])), level, level, 1
    )
    matrix = dense(operator)[0]
    data = level.alpha * given.y.flatten(1)
    if level != CLEAN:
        data = data + level.sigma * matvec(matrix[None], Rng64([1, 2, 3]).normal(x.shape))
    rest = data - matvec(matrix[None], x)
    exact = x.flatten(1) + rest @ torch.linalg.pinv(matrix, rtol=1e-7).T
    assert torch.allclose((x + level.alpha * moved).flatten(1), exact, atol=1e-7)


def masked(correlation: float) -> tuple[GaussianPrior, Problem, torch.Tensor, torch.Tensor]:
    """A chain of neighbours with every other pixel seen: prior, problem, mean and covariance."""
    mask = torch.tensor([[1, 0, 1, 0], [0, 1, 0, 0]])
    place = torch.arange(DIM, dtype=torch.float64)
    cov = 0.5 * correlation ** (place[:, None] - place).abs()
    prior = GaussianPrior(SHAPE, torch.linspace(-0.5, 0.5, DIM, dtype=torch.float64), cov)
    operator = Inpaint(SHAPE, mask).double()
    truth = torch.linspace(-1, 1, DIM, dtype=torch.float64).view(1, *SHAPE)
    given = measure(operator, gaussian(0.0), truth.repeat(COUNT, 1, 1, 1), Joint(COUNT))
    seen = mask.flatten() > 0
    rows = torch.eye(DIM, dtype=torch.float64)[seen]
    mean, cov = prior.posterior(rows, given.y[:1].flatten(1)[:, seen], 0.0)
    return prior, given, mean[0], cov


def errors(solver, given, mean, cov) -> tuple[float, float]:
    """Of the mean, relative to the posterior's spread, and of the covariance."""
    x = list(solver.iterate(given, Joint(COUNT)))[-1].x0.flatten(1)
    spread = cov.diagonal().sum().sqrt()
    return float((x.mean(0) - mean).norm() / spread), float(
        (torch.cov(x.T) - cov).norm() / cov.norm()
    )


def test_replacement_is_exact_where_the_prior_does_not_couple_what_is_seen():
    prior, given, mean, cov = masked(correlation=1e-9)
    off, wide = errors(solvers.score_sde(prior, steps=200), given, mean, cov)
    assert off < 0.06 and wide < 0.1


def test_resampling_brings_coupled_pixels_nearer_to_the_posterior():
    prior, given, mean, cov = masked(correlation=0.8)
    once = errors(solvers.repaint(prior, steps=60, repeats=1), given, mean, cov)
    often = errors(solvers.repaint(prior, steps=60, jump=5, repeats=5), given, mean, cov)
    assert once[0] > 0.15 and once[1] > 0.45
    assert often[0] < 0.75 * once[0] and often[1] < 0.6 * once[1]


def test_repaint_costs_what_it_says_and_returns_the_known_pixels():
    levels = solvers.repaint(tiny_prior()).grid()
    assert sum(b.nsr < a.nsr for a, b in pairwise(levels)) == 2410
    given = problem("inpaint", sigma=0.0)
    solver = solvers.repaint(tiny_prior(), steps=4, jump=2, repeats=2)
    x0 = list(solver.iterate(given, Rng([0, 1, 2])))[-1].x0
    assert float(given.residual(x0).abs().max()) < 1e-6


def test_repaint_takes_masks_only():
    assert solvers.repaint(tiny_prior()).requires == {MASK}
    assert solvers.mcg(tiny_prior()).requires == {LINEAR, BACKWARD}
    with pytest.raises(Unfit, match="inpainting operator, got Blur"):
        solvers.repaint(tiny_prior()).iterate(problem("blur"), Rng([0, 1, 2]))


def test_a_step_of_mcg_by_hand():
    prior = gaussian_prior()
    given, matrix = dense_problem(batch=2)
    solver = solvers.mcg(prior, steps=3, zeta=0.4)
    a, b = solver.grid()[:2]
    draws = Rng64([4, 5])
    x, step, replaced = (draws.normal((2, *SHAPE)).flatten(1) for _ in range(3))
    x = a.sigma * x
    jacobian = prior.vectors * (a.alpha * prior.values / (a.alpha**2 * prior.values + a.sigma**2))
    jacobian = jacobian @ prior.vectors.T
    x0 = prior.mean + (x - a.alpha * prior.mean) @ jacobian
    rest = given.y - x0 @ matrix.T
    gradient = -rest @ matrix @ jacobian / rest.norm(dim=1, keepdim=True)
    r2 = (b.nsr / a.nsr) ** 2
    noise = r2**0.5 * (x - a.alpha * x0) / a.sigma + (1 - r2) ** 0.5 * step
    moved = b.alpha * x0 + b.sigma * noise - 0.4 * gradient
    data = b.alpha * given.y + b.sigma * replaced @ matrix.T
    exact = moved + (data - moved @ matrix.T) @ torch.linalg.pinv(matrix).T
    state = next(solver.iterate(given, Rng64([4, 5]))).x
    assert torch.allclose(state.flatten(1), exact, atol=1e-9)


def test_the_low_pass_keeps_what_is_smooth_and_drops_the_finest_detail():
    ramp = torch.linspace(-1, 1, 48, dtype=torch.float64).expand(1, 3, 24, 48)
    assert torch.allclose(reduced(ramp, 4)[..., 16:-16], ramp[..., 16:-16], atol=1e-9)
    board = (torch.arange(24)[:, None] + torch.arange(20)) % 2 * 2.0 - 1
    inside = reduced(board[None, None], 4)[..., 4:-4, 4:-4]  # at the border two are alike
    assert float(inside.abs().max()) < 0.01


def test_a_step_of_ilvr_by_hand():
    truth = Rng64([7, 8]).normal((2, 1, 8, 8))
    given = measure(downsample((1, 8, 8), 2).double(), gaussian(0.0), truth, Rng64([1, 2]))
    x, level = Rng64([5, 6]).normal(truth.shape), VP().at(0.5)
    ev = Evaluation(gaussian_prior(), x, level, given, Rng64([3, 4]))
    moved = x + level.alpha * Replace(2)(ev, level, level, 1.0)
    reference = level.alpha * given.operator.pinv(given.y)
    reference += level.sigma * Rng64([3, 4]).normal(x.shape)
    assert torch.allclose(moved, x - reduced(x, 2) + reduced(reference, 2), atol=1e-12)
    assert not Replace(2, until=0.6)(ev, level, level, 1.0).any()


@pytest.mark.parametrize("bad", [{"lowpass": 0}, {"until": -1.0}])
def test_wrong_replacements_are_refused(bad):
    with pytest.raises(ValueError, match="lowpass >= 1"):
        Replace(**bad)
