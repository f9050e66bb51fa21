"""Coarse to fine: what a small image is told, when it is asked, and what it costs."""

import pytest
import torch

from inverse.denoise import Denoiser, Estimate, natural, noise_level
from inverse.levels import Level
from inverse.priors import Between, GaussianPrior
from inverse.samplers import Coarse
from inverse.solvers import nested
from inverse.solving import Budget, Meter, solve
from operators import (
    Rng,
    blur_gaussian,
    downsample,
    gaussian,
    identity,
    inpaint_random,
    measure,
)

SHAPE = (1, 32, 32)


class Asked(Denoiser):
    """Answers what it was given, over alpha, and remembers it."""

    def forward(self, x, level, problem, rng):
        self.x, self.level, self.problem = x, level, problem
        return Estimate(x / level.alpha, torch.zeros_like(x))


class White(GaussianPrior):
    """White noise of variance 1 of any size."""

    def __init__(self):
        super().__init__((1, 1, 1), torch.zeros(1), torch.eye(1))

    def denoise(self, x, level):
        return x * (level.alpha / (level.alpha**2 + level.sigma**2))


def measured(operator, count=40, sigma=0.05):
    seeds = Rng(range(count))
    truth = natural(seeds.normal((count, *operator.in_shape)))
    return truth, measure(operator, gaussian(sigma), truth, Rng(range(count)))


@pytest.mark.parametrize("factor", [2, 4])
def test_white_noise_has_a_share_of_its_level_on_the_small_image(factor):
    small, (truth, problem) = Asked(), measured(identity(SHAPE))
    noisy = 0.5 * truth + 0.3 * Rng(range(70, 110)).normal(truth.shape)
    Coarse(small, factor)(noisy, Level(0.5, 0.3), problem, Rng(range(40)))
    means = downsample(SHAPE, factor)(truth)
    assert small.level == Level(0.5, 0.3 / factor)
    assert float((small.x - 0.5 * means).std()) == pytest.approx(small.level.sigma, rel=0.05)


def test_means_over_larger_blocks_say_of_the_small_image_what_they_say_of_the_large_one():
    small, (truth, problem) = Asked(), measured(downsample(SHAPE, 4))
    Coarse(small, 2)(truth, Level(1.0, 0.3), problem, Rng(range(40)))
    assert small.problem.operator.closed_form
    told = torch.as_tensor(noise_level(small.problem))
    assert torch.allclose(told, torch.tensor(0.05), atol=1e-5)
    assert torch.allclose(small.problem.operator(small.x), problem.operator(truth), atol=1e-5)


@pytest.mark.parametrize(
    "operator", [identity(SHAPE), inpaint_random(SHAPE, 0.5), blur_gaussian(SHAPE, 5, 0.8)]
)
def test_what_the_small_image_cannot_say_of_the_data_is_told_as_their_noise(operator):
    small, (truth, problem) = Asked(), measured(operator)
    Coarse(small, 2)(truth, Level(1.0, 0.3), problem, Rng(range(100, 140)))
    off = small.problem.residual(downsample(SHAPE, 2)(truth)).square().sum() / operator.measured
    told = torch.as_tensor(noise_level(small.problem))
    assert float(off / 40) == pytest.approx(float(told.square().mean()), rel=0.1)


def test_the_data_have_their_say_at_full_size():
    """The estimate is nearer to the truth than the small image enlarged, where data are exact."""
    truth, problem = measured(inpaint_random(SHAPE, 0.5), sigma=0.0)
    x0 = Coarse(Asked(), 2)(truth, Level(1.0, 0.3), problem, Rng(range(40))).x0
    assert torch.allclose(problem.operator(x0), problem.y, atol=1e-3)


def test_a_level_on_the_edge_is_of_the_lower_stage():
    high, low, (truth, problem) = Asked(), Asked(), measured(identity(SHAPE), 1)
    staged, rng = Between(low, Coarse(high, 2), high=0.3), Rng([0])
    staged(truth, Level(1.0, 0.3), problem, rng)
    assert not hasattr(high, "x") and low.x.shape[1:] == SHAPE
    staged(truth, Level(1.0, 0.31), problem, rng)
    assert high.x.shape[1:] == (1, 16, 16)


def test_an_image_that_does_not_divide_is_restored_in_full_and_costs_so():
    _, problem = measured(identity((1, 31, 32)), 1)
    walk = [level for level in coarse_to_fine().grid(None) if level.sigma]
    result = solve(coarse_to_fine(), problem, Rng([0]))
    assert result.nfe >= len(walk) and result.x0.shape == (1, 1, 31, 32)


def coarse_to_fine():
    return nested(White(), outer_steps=4, inner_most=2, quarter_above=0.25, half_above=0.1)


def test_a_call_on_a_small_image_costs_its_share_of_one():
    sampler, (_, problem) = coarse_to_fine(), measured(inpaint_random(SHAPE, 0.5), 1)
    meter, spent = Meter(samples=1), []
    with meter.on(sampler):
        for _ in sampler.iterate(problem, Rng([0])):
            spent.append(meter.calls)
    levels = sampler.grid(None)[:-1]
    costs = torch.tensor([sampler.cost(level) for level in levels]).cumsum(0)
    assert spent == pytest.approx(costs.tolist()) and spent[0] == 1 / 16
    assert solve(sampler, problem, Rng([0]), Budget(nfe=1), keep=9).nfe <= 1


def test_with_both_levels_above_the_start_it_is_nested_to_the_bit():
    _, problem = measured(inpaint_random(SHAPE, 0.5), 1)
    plain = solve(nested(White(), outer_steps=3), problem, Rng([0])).x0
    never = nested(White(), outer_steps=3, quarter_above=9.0, half_above=9.0)
    assert torch.equal(solve(never, problem, Rng([0])).x0, plain)
