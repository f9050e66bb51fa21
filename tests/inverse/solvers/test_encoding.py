"""Encoding by the probability flow: closed forms on Gaussians, round trips, its cost."""

import pytest
import torch

from inverse import solvers
from inverse.denoise import LINEAR, Denoiser, Guided
from inverse.levels import VP, Grid, Level
from inverse.samplers import Process, State
from inverse.solvers._cycle import Encoded
from inverse.solving import solve
from inverse.transitions import DDIM, Heun
from operators import Identity, Operator, Problem, Rng, gaussian
from tests.inverse.cases import DIM, SHAPE, Exact, Rng64, dense_problem, gaussian_prior
from tests.inverse.solver_cases import problem, tiny_prior

PRIOR = gaussian_prior()
IMAGE = torch.linspace(-2, 3, DIM, dtype=torch.float64).view(1, *SHAPE)
END = 0.02


def encode(transition, steps: int, level: Level, denoiser: Denoiser = PRIOR) -> torch.Tensor:
    given, _ = dense_problem()
    grid = Grid(steps, VP(), end=END, spacing="log")
    return Encoded(denoiser, transition, grid, IMAGE)(given, Rng64([0]), level)


def exact(level: Level) -> torch.Tensor:
    """The flow of a Gaussian prior: deviations of x / alpha scale as sqrt(v + nsr^2)."""
    z = (IMAGE.flatten(1) - PRIOR.mean) @ PRIOR.vectors
    z = z * ((PRIOR.values + level.nsr**2) / (PRIOR.values + END**2)).sqrt()
    return level.alpha * (PRIOR.mean + z @ PRIOR.vectors.T).view(1, *SHAPE)


@pytest.mark.parametrize(("transition", "order"), [(DDIM(0.0), 1), (Heun(), 2)])
def test_encoding_follows_the_flow_at_the_order_of_its_transition(transition, order):
    level = VP().at(2.0)
    coarse, fine = (
        float((encode(transition, steps, level) - exact(level)).norm()) for steps in (65, 129)
    )
    assert fine < 0.05
    assert abs(torch.tensor(coarse / fine).log2() - order) < 0.25


def test_decoding_with_the_same_prior_gives_the_image_back():
    level = VP().at(2.0)
    given, _ = dense_problem()
    decoder = Process(PRIOR, Heun(), Grid(129, VP(), end=END, spacing="log"))
    back = list(decoder.iterate(given, Rng64([0]), State(encode(Heun(), 129, level), level)))[-2]
    assert torch.allclose(back.x / back.level.alpha, IMAGE, atol=2e-3)


def test_decoding_with_the_posterior_maps_the_prior_onto_it():
    """Coordinate by coordinate ``m_y + sqrt(v_y / v) (w - m)`` where both are diagonal."""
    given = Problem(Identity(SHAPE).double(), gaussian(0.5), 0.3 * IMAGE)
    eye = torch.eye(DIM, dtype=torch.float64)
    grid = Grid(200, end=0.002, spacing="log", start=200.0)
    posterior = Guided(PRIOR, Exact(PRIOR, eye))
    mapped = Process(posterior, Heun(), grid, start=Encoded(PRIOR, Heun(), grid, IMAGE))
    x0 = list(mapped.iterate(given, Rng64([0])))[-1].x0.flatten(1)
    mean, cov = PRIOR.posterior(eye, given.y.flatten(1), 0.5)
    ratio = ((PRIOR.vectors.T @ cov @ PRIOR.vectors).diagonal() / PRIOR.values).sqrt()
    z = (IMAGE.flatten(1) - PRIOR.mean) @ PRIOR.vectors * ratio
    assert torch.allclose(x0, mean + z @ PRIOR.vectors.T, atol=5e-3)


def test_encoding_draws_nothing_and_its_network_calls_count():
    rng = Rng([0, 1, 2])
    before = rng.state()
    result = solve(solvers.cycle(tiny_prior(), steps=4, encode=3), problem(), rng)
    assert result.nfe == 7
    assert all(torch.equal(a, b) for a, b in zip(before, rng.state(), strict=True))


def test_only_a_restoration_of_its_own_needs_a_linear_operator():
    class Clip(Operator):
        def _forward(self, x):
            return x.clamp(-0.5, 0.5)

    grid = Grid(4, start=1.0)
    assert Encoded(PRIOR, DDIM(0.0), grid).requires == {LINEAR}
    start = Encoded(PRIOR, DDIM(0.0), grid, IMAGE)
    given = Problem(Clip(SHAPE, SHAPE).double(), gaussian(0.1), 0.1 * IMAGE.repeat(2, 1, 1, 1))
    walk = Process(PRIOR, DDIM(0.0), grid, start=start).iterate(given, Rng64([0, 1]))
    assert next(walk).x.shape == (2, *SHAPE)
