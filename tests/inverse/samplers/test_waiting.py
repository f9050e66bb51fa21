"""Waiting: draws of the posterior by a prior that is told the noise of every coordinate."""

import math

import pytest
import torch
from torch import Tensor

from inverse import solvers
from inverse.denoise import Unfit, gaussian_around
from inverse.levels import UNKNOWN, VE, Grid, Unbounded
from inverse.priors import EDMPrior, GaussianPrior
from inverse.samplers import Nested, Process, State, Waiting
from inverse.solving import Budget, plan, solve
from inverse.transitions import Renoise
from operators import (
    Bayer,
    Blur,
    DenseGaussian,
    Inpaint,
    LinearOperator,
    Poisson,
    Problem,
    Rng,
    gaussian,
    identity,
    measure,
)
from tests.inverse.cases import DIM, SHAPE, Joint, Rng64, gaussian_prior

MASK = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 1]]).bool()
OPERATORS: dict[str, LinearOperator] = {
    "mask": Inpaint(SHAPE, MASK),
    "blur": Blur(SHAPE, torch.tensor([[0.2, 0.5, 0.3]])),
    "dense": DenseGaussian(SHAPE, 4, seed=1),
}


class Units(Joint):
    """Draw number k is the unit vectors in the rows of block k, 0 elsewhere; the last block is 0.

    What a walk that is linear in its draws ends with is then the columns of its matrix.
    """

    def __init__(self, draws: int) -> None:
        super().__init__((draws + 1) * DIM)
        self.drawn = 0

    def of(self, dtype):
        return self

    def normal(self, shape, dtype=torch.float64):
        out = torch.zeros(len(self), DIM, dtype=dtype)
        out[self.drawn * DIM : (self.drawn + 1) * DIM] = torch.eye(DIM, dtype=dtype)
        self.drawn += 1
        return out.view(shape)


def given(operator: LinearOperator, count: int) -> tuple[Problem, Tensor]:
    """A measurement, `count` times, and its matrix."""
    operator = operator.to(torch.float64)
    units = torch.eye(DIM, dtype=torch.float64).view(DIM, *SHAPE)
    truth = torch.linspace(-1, 2, DIM, dtype=torch.float64).view(1, *SHAPE)
    y = (operator(truth) + 0.2).expand(count, *operator.out_shape).contiguous()
    return Problem(operator, gaussian(0.3), y), operator(units).flatten(1).T


def errors(operator: str, steps: int, **how) -> tuple[float, float]:
    """How far a walk's draws are from the posterior, exactly.

    The distance of their mean over the posterior's spread, the relative one of their covariance.
    """
    prior, rng = gaussian_prior(), Units(steps)
    problem, matrix = given(OPERATORS[operator], len(rng))
    grid = Unbounded(steps, start=60.0, end=1e-3, spacing="log")
    *_, last = Waiting(prior, grid, **how).iterate(problem, rng)
    mean, columns = last.x0[-1].flatten(), last.x0[:-DIM].flatten(1)
    exact, cov = prior.posterior(matrix, problem.y[:1].flatten(1), 0.3)
    columns = columns - mean
    off = (mean - exact[0]).norm() / cov.diagonal().sum().sqrt()
    return float(off), float((columns.T @ columns - cov).norm() / cov.norm())


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("operator", OPERATORS)
def test_draws_of_a_gaussian_are_exact_and_their_error_halves_as_steps_double(operator, eta):
    few, many = (errors(operator, steps, eta=eta) for steps in (80, 160))
    assert max(few[0], many[0]) < 1e-4  # of the mean, at any number of steps
    assert many[1] < 0.08 and 0.4 < many[1] / few[1] < 0.6


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_error_of_second_order_steps_falls_to_a_third_or_less(operator):
    few, many = (errors(operator, steps, heun=True) for steps in (40, 80))
    assert max(few[0], many[0]) < 1e-4
    assert many[1] < 0.03 and many[1] / few[1] < 1 / 3


@pytest.mark.parametrize("operator", OPERATORS)
def test_ten_second_order_steps_keep_most_of_the_spread(operator):
    prior, rng = gaussian_prior(), Units(11)
    problem, matrix = given(OPERATORS[operator], len(rng))
    grid = Unbounded(11, start=50.0, end=0.05, spacing="log")
    *_, last = Waiting(prior, grid, heun=True).iterate(problem, rng)
    columns = (last.x0[:-DIM] - last.x0[-1]).flatten(1)
    _, cov = prior.posterior(matrix, problem.y[:1].flatten(1), 0.3)
    assert 0.85 < float(columns.square().sum() / cov.trace()) < 1.02


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_first_estimate_is_the_posterior_mean_and_may_be_the_only_one(operator):
    prior, (problem, matrix) = gaussian_prior(), given(OPERATORS[operator], 2)
    exact, _ = prior.posterior(matrix, problem.y.flatten(1), 0.3)
    first = next(solvers.uneven(prior).iterate(problem, Rng([0, 1])))
    alone = solve(solvers.uneven(prior, steps=1), problem, Rng([5, 6]))
    assert (first.step, alone.nfe, alone.finished) == (1, 1, True)
    for x0 in (first.x0, alone.x0):
        assert torch.allclose(x0.flatten(1), exact, rtol=0, atol=1e-9)


def test_the_walk_begins_where_nothing_is_known_and_goes_over_the_grids_own_levels():
    grid, plain = Unbounded(4, start=4.0, end=0.5, spacing="log"), Grid(3, start=4.0, end=0.5)
    assert grid()[:1] == (UNKNOWN,) and grid(None)[1].nsr == 4.0
    assert [round(level.nsr, 9) for level in grid()[1:]] == [4.0, round(2**0.5, 9), 0.5, 0.0]
    assert grid(VE()(3.0))[0] == VE()(3.0) and plain(VE()(3.0))[-1] == grid()[-1]
    assert Unbounded(1)() == (UNKNOWN, VE()(0.0))


@pytest.mark.parametrize("heun", [False, True])
def test_a_budget_of_calls_is_spread_over_the_whole_walk(heun):
    problem, _ = given(OPERATORS["mask"], 2)
    for calls in (1, 2, 6, 11):
        sampler = plan(solvers.uneven(gaussian_prior(), heun=heun), Budget(nfe=calls))
        result = solve(sampler, problem, Rng([0, 1]), Budget(nfe=calls))
        assert result.finished and calls - heun <= result.nfe <= calls


def test_pixels_known_without_noise_stay_and_are_the_same_in_every_draw():
    operator = Inpaint(SHAPE, MASK).to(torch.float64)
    truth = torch.linspace(-1, 1, DIM, dtype=torch.float64).view(1, *SHAPE).expand(5, *SHAPE)
    problem = Problem(operator, gaussian(0.0), operator(truth))
    x0 = solve(solvers.uneven(gaussian_prior()), problem, Rng64(range(5))).x0
    assert torch.allclose(x0[..., MASK], truth[..., MASK], rtol=0, atol=1e-9)
    assert bool((x0[..., ~MASK].std(0) > 0.1).all())


@pytest.mark.parametrize("solver", [solvers.uneven, solvers.ddrm, solvers.ddnm_plus])
def test_every_value_may_have_a_noise_of_its_own(solver):
    sigma = torch.linspace(0.1, 0.9, DIM).double().view(1, *SHAPE)
    prior, operator = gaussian_prior(), Inpaint(SHAPE, MASK).to(torch.float64)
    y = operator(torch.ones(1, *SHAPE).double())
    problem = Problem(operator, gaussian(sigma), y)
    white = problem.whitened()
    x0 = [solve(solver(prior, steps=5), p, Rng64([3])).x0 for p in (problem, white)]
    assert torch.allclose(*x0, rtol=0, atol=1e-9)


def test_poisson_noise_counts_as_what_it_is_at_each_value():
    prior, x = gaussian_prior(), torch.linspace(-0.9, 0.9, DIM).double().view(1, *SHAPE)
    problem = measure(identity(SHAPE).to(torch.float64), Poisson(50.0), x, Rng64([0]))
    sampler = solvers.uneven(prior, steps=1)
    given, same = gaussian_around(problem), solve(sampler, problem, Rng64([1])).x0
    assert torch.equal(same, solve(sampler, given, Rng64([1])).x0)
    assert given.sigma.flatten()[0] < given.sigma.flatten()[-1]  # pyright: ignore


@pytest.mark.parametrize("kept", [1.0, 0.4])
def test_few_photons_leave_no_picture_darker(kept):
    shape = (1, 24, 24)
    covariance = 0.2 * torch.eye(576).double() + 0.5
    prior = GaussianPrior(shape, torch.zeros(576).double(), covariance)
    x = torch.full((1, *shape), 0.2).double()
    mask = torch.rand(1, 24, 24, generator=torch.Generator().manual_seed(0)) <= kept
    operator = Inpaint(shape, mask).to(torch.float64)
    problem = measure(operator, Poisson(8.0), x, Rng64([0]))
    sampler = solvers.uneven(prior, steps=1)
    bias = float((solve(sampler, problem, Rng64([1])).x0 - x).mean())
    by_value = float((solve(sampler, problem.as_gaussian(), Rng64([1])).x0 - x).mean())
    assert abs(bias) < 0.03 < 0.1 < -by_value


def test_a_sample_does_not_depend_on_the_mask_of_its_neighbour():
    masks = torch.stack([MASK, ~MASK, MASK.flip(0)])[:, None]
    operator = Inpaint(SHAPE, masks).to(torch.float64)
    y = operator(torch.ones(3, *SHAPE).double())
    problem = Problem(operator, gaussian(torch.tensor([0.0, 0.2, 0.5]).double()), y)
    sampler = solvers.uneven(gaussian_prior(), eta=0.5)
    together = solve(sampler, problem, Rng64([4, 5, 6])).x0
    for i, seed in enumerate([4, 5, 6]):
        alone = solve(sampler, problem[i : i + 1], Rng64([seed])).x0
        assert torch.allclose(together[i : i + 1], alone, rtol=0, atol=1e-9)


def test_a_sampler_made_of_it_nests():
    inner = Waiting(gaussian_prior(), Unbounded(3, start=5.0, end=0.1))
    outer = Process(Nested(inner), Renoise(1.0), Grid(2, start=2.0, end=0.5))
    problem, _ = given(OPERATORS["mask"], 2)
    assert solve(outer, problem, Rng([0, 1])).nfe == 6
    *_, last = inner.iterate(problem, Rng([0, 1]), State(torch.ones(2, *SHAPE).double(), VE()(1.0)))
    assert last.steps == 3 and bool(last.x0.isfinite().all())


def test_a_measured_value_may_be_painted_over_only_by_changing_the_problem():
    """Where y is known better than the level, y it is, whatever stands in the state."""
    problem, _ = given(OPERATORS["mask"], 2)
    sampler = solvers.uneven(gaussian_prior())
    first = next(sampler.iterate(problem, Rng([0, 1])))
    moved = first.edited(first.x0 + torch.where(MASK, 3.0, 0.0))
    same = [list(sampler.iterate(problem, Rng([2, 3]), at))[-1].x0 for at in (first, moved)]
    assert torch.equal(*same)


def stem(kind: str = "stem") -> EDMPrior:
    torch.manual_seed(0)
    return EDMPrior({"kind": kind, "channels": [8, 8], "layers": 1}).eval().requires_grad_(False)


@pytest.mark.parametrize("shape", [(3, 16, 16), (3, 10, 14)])
def test_a_network_restores_masks_mosaics_and_noise_of_single_values(shape):
    mask = torch.rand(2, 1, *shape[1:]) > 0.5
    for operator in (Inpaint(shape, mask), Bayer(shape), identity(shape)):
        y = torch.rand(2, *operator.out_shape)
        for sigma in (0.0, 0.1, torch.rand(1, *operator.out_shape) + 0.1):
            problem = Problem(operator, gaussian(sigma), y)
            result = solve(solvers.uneven(stem(), steps=3), problem, Rng([0, 1]))
            assert result.nfe == 4 and bool(result.x0.isfinite().all())


@pytest.mark.parametrize(
    ("kind", "operator", "match"),
    [
        ("stem", Blur((3, 16, 16), torch.ones(3, 3) / 9), "measures single values of the image"),
        ("local", identity((3, 16, 16)), "a prior that is told the noise of every value, got one"),
    ],
)
def test_what_a_network_is_not_told_is_refused_at_once(kind, operator, match):
    problem = Problem(operator, gaussian(0.1), torch.zeros(1, 3, 16, 16))
    with pytest.raises(Unfit, match=match):
        solvers.uneven(stem(kind)).iterate(problem, Rng([0]))


@pytest.mark.parametrize("eta", [-0.1, 1.1, math.nan])
def test_eta_is_a_share(eta):
    with pytest.raises(ValueError, match=r"eta must be in \[0, 1\]"):
        solvers.uneven(gaussian_prior(), eta=eta)
