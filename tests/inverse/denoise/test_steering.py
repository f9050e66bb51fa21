"""Steering by an expert: its limits, the exact posterior denoiser, smaller pictures, refusals."""

import pytest
import torch
import torch.nn.functional as F

from inverse.denoise import Steered, Unfit, spectrum
from inverse.levels import Grid, Level
from inverse.priors import LowRankMixture, Mixture
from inverse.samplers import Process
from inverse.transitions import DDIM
from operators import Inpaint, Rng, blur_gaussian, gaussian, inpaint_box, measure
from tests.inverse.lowrank_cases import SHAPE, D, brute, mixture

LEVEL, SIGMA = Level(0.8, 0.5), 0.3


def task(seed: int = 1):
    """A masked picture of the mixture, and a state of it."""
    truth = mixture()
    x0 = truth.sample(Rng([3, 4]))
    mask = torch.rand(SHAPE, generator=torch.Generator().manual_seed(seed)) < 0.5
    problem = measure(Inpaint(SHAPE, mask).double(), gaussian(SIGMA), x0, Rng([5, 6]))
    x = LEVEL.alpha * x0 + LEVEL.sigma * Rng([9, 10]).normal(x0.shape, x0.dtype)
    return truth, problem, x


def test_an_expert_without_a_say_changes_no_bit():
    truth, problem, x = task()
    denoiser = mixture(seed=1)
    steered = Steered(denoiser, truth, lambda level: 1.0)
    ours, theirs = (d(x, LEVEL, problem, Rng([0, 1])) for d in (steered, denoiser))
    assert torch.equal(ours.x0, theirs.x0) and torch.equal(ours.noise, theirs.noise)


def test_an_expert_that_knows_the_truth_alone_is_the_posterior_denoiser():
    truth, problem, x = task()
    steered = Steered(mixture(seed=1), truth, lambda level: 0.0)
    x0 = steered(x, LEVEL, problem, Rng([0, 1])).x0
    one, seen = torch.eye(D).double(), problem.operator.mask.flatten() > 0
    matrix = torch.cat([one[seen], LEVEL.alpha * one])
    noise = torch.cat([SIGMA**2 * one[seen].sum(1), LEVEL.sigma**2 * one.sum(1)])
    both = torch.cat([problem.y.flatten(1)[:, seen], x.flatten(1)], 1)
    assert torch.allclose(x0.flatten(1), brute(truth, matrix, noise, both)[0], atol=1e-9)


def test_between_them_each_counts_by_its_certainty():
    truth, problem, x = task()
    denoiser, a, v = mixture(seed=1), 0.7, 0.25
    x0 = Steered(denoiser, truth, lambda level: a, v)(x, LEVEL, problem, Rng([0, 1])).x0
    t, t2 = truth.believe(*spectrum(problem, "test").joined(x / LEVEL.alpha, LEVEL))
    d, r2 = denoiser.denoise(x, LEVEL), LEVEL.nsr**2 / (1 + LEVEL.nsr**2 / v)
    product = (a * d / r2 + (1 - a) * t / t2) / (a / r2 + (1 - a) / t2)
    assert torch.allclose(x0, product, atol=1e-9)


def test_an_expert_of_smaller_pictures_steers_block_means_and_nothing_within_blocks():
    small = mixture()
    denoiser = Mixture((3, 8, 8), torch.zeros(1, 192).double(), torch.ones(1).double(), 0.3)
    mask = torch.rand(8, 8, generator=torch.Generator().manual_seed(0)) < 0.6
    mask[:4, :4] = True
    truth = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(1)).double()
    problem = measure(Inpaint((3, 8, 8), mask).double(), gaussian(SIGMA), truth, Rng([0]))
    x = LEVEL.alpha * truth + LEVEL.sigma * Rng([1]).normal(truth.shape, truth.dtype)
    x0 = Steered(denoiser, small, lambda level: 0.0)(x, LEVEL, problem, Rng([2])).x0
    whole = F.avg_pool2d(mask.double()[None, None], 2).expand(1, 3, -1, -1).flatten() == 1
    one = torch.eye(D).double()
    matrix = torch.cat([one[whole], LEVEL.alpha * one])
    noise = torch.cat([SIGMA**2 / 4 * one[whole].sum(1), LEVEL.sigma**2 / 4 * one.sum(1)])
    seen = [F.avg_pool2d(problem.y, 2).flatten(1)[:, whole], F.avg_pool2d(x, 2).flatten(1)]
    means = brute(small, matrix, noise, torch.cat(seen, 1))[0]
    assert torch.allclose(F.avg_pool2d(x0, 2).flatten(1), means, atol=1e-9)
    change = x0 - denoiser.denoise(x, LEVEL)
    assert torch.allclose(change, F.interpolate(F.avg_pool2d(change, 2), scale_factor=2))


def test_a_hole_without_a_single_whole_block_around_it_is_steered_by_the_state_alone():
    problem = measure(
        Inpaint((3, 8, 8), torch.eye(8).bool()), gaussian(SIGMA), torch.zeros(1, 3, 8, 8), Rng([0])
    )
    denoiser = Mixture((3, 8, 8), torch.zeros(1, 192), torch.ones(1), 0.3)
    steered = Steered(denoiser, mixture().float(), lambda level: 0.5)
    assert torch.isfinite(steered(torch.randn(1, 3, 8, 8), LEVEL, problem, Rng([0])).x0).all()


def test_the_right_expert_draws_a_wrong_prior_towards_the_right_shares_of_modes():
    shape, means = (1, 1, 2), torch.tensor([[0.0, -2.0], [0.0, 2.0]]).double()
    wrong = Mixture(shape, means, torch.tensor([0.5, 0.5]).double(), 0.04)
    diagonal, none = torch.full((2, 2), 0.04).double(), torch.zeros(2, 2, 1).double()
    right = LowRankMixture(shape, torch.tensor([0.9, 0.1]).double(), means, none, diagonal)
    operator = Inpaint(shape, torch.tensor([[True, False]])).double()
    problem = measure(operator, gaussian(0.1), means[:1].view(1, *shape), Rng([0])).repeat(400)
    shares = []
    for a in (1.0, 0.6, 0.0):
        walk = Process(
            Steered(wrong, right, lambda level, a=a: a), DDIM(1.0), Grid(16, start=20.0, end=0.1)
        )
        *_, last = walk.iterate(problem, Rng(range(400)))
        shares.append(abs(float((last.x0[..., 1] < 0).double().mean()) - 0.9))
    assert shares[0] > 0.3 and shares[0] > shares[1] > shares[2] and shares[2] < 0.05


def test_what_an_expert_cannot_be_told_of_is_refused():
    truth, problem, x = task()
    steered = Steered(mixture(), truth, lambda level: 0.5)
    blurred = measure(blur_gaussian(SHAPE, 3, 1.0), gaussian(0.1), torch.zeros(1, *SHAPE), Rng([0]))
    walk = Process(steered.float(), DDIM(), Grid(2))
    with pytest.raises(Unfit, match="measures single values"):
        walk.iterate(blurred, Rng([0]))
    large = measure(inpaint_box((3, 6, 6), 2, 2), gaussian(0.1), torch.zeros(1, 3, 6, 6), Rng([0]))
    with pytest.raises(Unfit, match="the expert knows pictures of"):
        Steered(Mixture((3, 6, 6), torch.zeros(1, 108), torch.ones(1)), truth, lambda level: 0.5)(
            torch.zeros(1, 3, 6, 6), LEVEL, large, Rng([0])
        )
