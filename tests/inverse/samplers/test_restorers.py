"""Restorers of any kind: as samplers of one step, and as what a walk begins with."""

import pytest
import torch
from torch import nn

from inverse.levels import CLEAN, Level
from inverse.samplers import Once, Process, State, rms_error, warm_state
from inverse.solvers import nested
from inverse.solving import solve
from inverse.starts import RestorerStart, WienerStart, as_restorer, wiener
from inverse.transitions import DDIM
from operators import (
    Problem,
    Rng,
    blur_gaussian,
    downsample,
    gaussian,
    identity,
    inpaint_random,
    measure,
    walsh_hadamard,
)
from tests.inverse.stationary import Stationary

SHAPE = (3, 32, 32)


def white(variance: float) -> Stationary:
    return Stationary(scale=variance, slope=0.0, channels=3)


def noisy(operator, sigma=0.05, count=1):
    truth = Stationary(channels=3).sample(operator.in_shape, Rng(range(count))).float()
    return truth, measure(operator, gaussian(sigma), truth, Rng(range(9, 9 + count)))


class Half(nn.Module):
    def forward(self, problem: Problem) -> torch.Tensor:
        return 0.5 * problem.y


@pytest.mark.parametrize("restorer", [lambda problem: 0.5 * problem.y, wiener, Half()])
def test_anything_that_restores_is_a_sampler_of_one_step(restorer):
    _, problem = noisy(identity(SHAPE), count=2)
    result = solve(Once(restorer), problem, Rng([0, 1]))
    assert torch.equal(result.x0, restorer(problem))
    assert result.finished and result.nfe == 0


def test_a_restoration_of_another_size_is_refused():
    _, problem = noisy(identity(SHAPE))
    with pytest.raises(ValueError, match="restorer must give images"):
        solve(Once(lambda p: p.y[..., 1:]), problem, Rng([0]))


def test_the_wiener_start_is_that_of_its_restorer():
    _, problem = noisy(blur_gaussian(SHAPE, size=9, std=1.0))
    level = Level(0.8, 0.6)
    for temperature in (0.0, 0.7):
        one = WienerStart(temperature)(problem, Rng([1]), level)
        assert torch.equal(one, RestorerStart(wiener, temperature)(problem, Rng([1]), level))


@pytest.mark.parametrize(("times", "kept"), [(1.0, 0.75), (3.0, 0.9375), (15.0, 0.99609375)])
def test_a_walk_from_the_mean_keeps_the_variance_that_the_formula_says(times, kept):
    v, nsr = 0.04, (0.04 * times) ** 0.5
    problem = Problem(identity(SHAPE), gaussian(1.0), torch.zeros(4, *SHAPE))
    levels = (torch.linspace(1, 0.02, 200).square() * nsr).tolist()
    walk = Process(
        white(v), DDIM(1.0), lambda start: (start, *(Level(1.0, n) for n in levels[1:]), CLEAN)
    )
    at = warm_state(lambda p: p.y, problem, Rng(range(4)), error=nsr / 3**0.5)
    x0 = solve(walk, problem, Rng(range(9, 13)), at=at).x0
    assert float(x0.square().mean() / v) == pytest.approx(kept, rel=0.03)


@pytest.mark.parametrize("error", [0.05, 0.2])
@pytest.mark.parametrize("build", [identity, lambda s: inpaint_random(s, keep=0.5, seed=0)])
def test_the_data_tell_how_wrong_a_restoration_is(build, error):
    truth, problem = noisy(build(SHAPE), count=2)
    x0 = truth + error * Rng([3, 4]).normal(truth.shape)
    found = rms_error(problem, x0)
    assert found.shape == (2,) and found.tolist() == pytest.approx([error, error], rel=0.1)


def test_what_is_wrong_in_a_hole_is_not_seen():
    truth, problem = noisy(inpaint_random(SHAPE, keep=0.5, seed=0))
    x0 = problem.operator(truth) + 0.05 * Rng([3]).normal(truth.shape)
    assert float(rms_error(problem, x0)) == pytest.approx(0.05, rel=0.1)


def test_a_walk_begins_with_a_restoration_as_wrong_as_the_data_say():
    truth, problem = noisy(identity(SHAPE), sigma=0.2)
    x0 = truth + 0.1 * Rng([3]).normal(truth.shape)
    at = warm_state(lambda _: x0, problem, Rng([5]), noise=0.0)
    assert isinstance(at, State) and at.level is not None and torch.equal(at.x, x0)
    assert at.level.nsr == pytest.approx(3**0.5 * 0.1, rel=0.1)
    result = solve(nested(Stationary(channels=3)), problem, Rng([6]), at=at)
    assert (result.x0 - truth).square().mean() < (problem.y - truth).square().mean()


def test_how_wrong_a_restorer_is_has_to_be_given_where_the_data_cannot_tell():
    _, problem = noisy(walsh_hadamard(SHAPE, ratio=0.5))
    with pytest.raises(ValueError, match="give error="):
        warm_state(wiener, problem, Rng([0]))
    at = warm_state(wiener, problem, Rng([0]), error=0.1)
    assert at.level is not None and at.level.nsr == pytest.approx(3**0.5 * 0.1)


def test_a_network_gets_the_measurement_of_images_in_its_own_range():
    truth, problem = noisy(blur_gaussian(SHAPE, size=9, std=1.0))
    seen = []

    def network(y, sigma):
        seen.extend([y, sigma])
        return y

    x0 = as_restorer(network, limits=(0.0, 255.0))(problem)
    clean = problem.operator(127.5 * (truth + 1))
    assert float((seen[0] - clean).std()) == pytest.approx(127.5 * 0.05, rel=0.05)
    assert seen[1] == pytest.approx(127.5 * 0.05)
    torch.testing.assert_close(x0, problem.y, rtol=0, atol=1e-4)


class Twice(nn.Module):
    def forward(self, image):
        return nn.functional.interpolate(image, scale_factor=2)


def test_a_network_that_enlarges_restores_what_was_made_small():
    truth, problem = noisy(downsample(SHAPE, factor=2))
    x0 = as_restorer(Twice(), limits=(-1.0, 1.0))(problem)
    torch.testing.assert_close(x0, problem.y.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_models_of_deepinv_restore():
    models = pytest.importorskip("deepinv", reason="deepinv is not installed").models
    truth, problem = noisy(blur_gaussian(SHAPE, size=5, std=0.7), sigma=0.2, count=2)
    denoiser = models.MedianFilter(3)
    for model in (denoiser, models.ArtifactRemoval(denoiser)):
        x0 = as_restorer(model)(problem)
        assert (x0 - truth).square().mean() < 0.7 * (problem.y - truth).square().mean()
