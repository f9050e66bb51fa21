"""The data step for any operator: against dense algebra where it is linear, and what it keeps."""

import pytest
import torch

from inverse import solvers
from inverse.levels import Level
from inverse.solving import solve
from inverse.steps import Feasible, Project, Prox
from operators import (
    Problem,
    Rng,
    gamma,
    gaussian,
    hdr,
    identity,
    jpeg,
    measure,
    phase_retrieval,
    quantise,
)
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem
from tests.inverse.solver_cases import tiny_prior

SIGMA, LAM, LEVEL = 0.3, 0.5, Level(1.0, 0.4)
PROBLEM, MATRIX = dense_problem(SIGMA, batch=2)
START = torch.stack([torch.linspace(1, -1, DIM), torch.linspace(-2, 3, DIM)]).double()
PHOTO = (3, 16, 16)
NONLINEAR = {
    "hdr": hdr(PHOTO),
    "gamma": gamma(PHOTO),
    "jpeg": jpeg(PHOTO),
    "quantise": quantise(PHOTO, bits=2),
    "phase": phase_retrieval(PHOTO),
}


def moved(step: Feasible | Project | Prox, problem: Problem = PROBLEM) -> torch.Tensor:
    return step(START.view(2, *SHAPE), LEVEL, problem, Rng64([0, 1])).flatten(1)


def nearest(x0: torch.Tensor, y: torch.Tensor, eps: float) -> torch.Tensor:
    """The nearest point with `||A x - y|| <= eps`, its multiplier found by halving."""
    low, high, eye = 0.0, 1e9, torch.eye(DIM).double()
    for _ in range(200):
        mu = (low + high) / 2
        x = torch.linalg.solve(eye + mu * MATRIX.T @ MATRIX, x0 + mu * MATRIX.T @ y)
        low, high = (mu, high) if (MATRIX @ x - y).norm() > eps else (low, mu)
    return x


def test_many_rounds_give_the_nearest_image_in_the_ball_whatever_the_weight():
    want = torch.stack([nearest(x0, PROBLEM.y[0].flatten(), 0.25) for x0 in START])
    for lam, mirrored in ((0.5, False), (2.0, True)):
        step = Feasible(lam, rounds=200, gradients=30, eps=0.25, mirrored=mirrored)
        torch.testing.assert_close(moved(step), want, atol=1e-5, rtol=0)


def test_the_radius_is_that_of_the_noise():
    step = Feasible(LAM, rounds=200, gradients=30)
    radius = SIGMA * 4**0.5
    want = torch.stack([nearest(x0, PROBLEM.y[0].flatten(), radius) for x0 in START])
    torch.testing.assert_close(moved(step), want, atol=1e-5, rtol=0)


def test_without_a_radius_it_is_the_projection_on_the_data():
    step = Feasible(LAM, rounds=300, gradients=30, eps=0.0)
    torch.testing.assert_close(moved(step), moved(Project()), atol=1e-5, rtol=0)


def test_one_round_about_a_point_is_the_proximal_point():
    step = Feasible(LAM, rounds=1, gradients=200, eps=0.0)
    torch.testing.assert_close(moved(step), moved(Prox(LAM)), atol=1e-6, rtol=0)


def test_one_mirrored_round_is_the_proximal_point_of_the_mirror_image():
    y = 2 * PROBLEM.y - PROBLEM.operator(START.view(2, *SHAPE))
    want = moved(Prox(LAM), Problem(PROBLEM.operator, PROBLEM.noise, y))
    step = Feasible(LAM, rounds=1, gradients=200, eps=0.0, mirrored=True)
    torch.testing.assert_close(moved(step), want, atol=1e-6, rtol=0)


def test_one_gradient_is_exact_where_every_direction_is_alike():
    operator = identity(SHAPE).to(torch.float64)
    y = torch.linspace(0, 1, 2 * DIM, dtype=torch.float64).view(2, *SHAPE)
    problem = Problem(operator, gaussian(SIGMA).to(y), y)
    step = Feasible(LAM, rounds=1, gradients=1, eps=0.0)
    torch.testing.assert_close(moved(step, problem), moved(Prox(LAM), problem))


def test_an_estimate_that_explains_the_data_stays():
    x0 = START.view(2, *SHAPE)
    problem = Problem(PROBLEM.operator, PROBLEM.noise, PROBLEM.operator(x0) + 0.01)
    assert torch.equal(Feasible()(x0, LEVEL, problem, Rng64([0, 1])), x0)


@pytest.mark.parametrize("name", NONLINEAR)
@pytest.mark.parametrize("sigma", [0.05, 0.0])
def test_the_misfit_never_rises(name, sigma):
    truth = Rng([3, 4]).normal((2, *PHOTO)).mul(0.4)
    problem = measure(NONLINEAR[name], gaussian(sigma), truth, Rng([5, 6]))
    x0 = truth + 0.3 * Rng([7, 8]).normal(truth.shape)
    step = Feasible(rounds=1, gradients=5, eps=0.0)
    x = step(x0, LEVEL, problem, Rng([0, 1]))
    assert (problem.rms_residual(x) < problem.rms_residual(x0)).all()
    assert torch.equal(step(x0[:1], LEVEL, problem[:1], Rng([0])), x[:1])


def test_a_nested_restoration_explains_what_a_tone_curve_left():
    truth = Rng([3, 4]).normal((2, *PHOTO)).mul(0.4)
    problem = measure(NONLINEAR["gamma"], gaussian(0.05), truth, Rng([5, 6]))
    sampler = solvers.nested_nonlinear(tiny_prior(), outer_steps=3)
    found = solve(sampler, problem, Rng([0, 1]))
    assert (found.residual < 1.3).all()


@pytest.mark.parametrize("bad", [{"lam": 0}, {"rounds": 0}, {"gradients": 0}, {"eps": -0.1}])
def test_wrong_constants_are_refused(bad):
    with pytest.raises(ValueError, match="Feasible: need"):
        Feasible(**bad)
