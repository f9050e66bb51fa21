"""Guidance on mixtures, where every guided denoiser is known in closed form."""

import math

import pytest
import torch

from inverse.denoise import LINEAR, Conditioned, Evaluation, Guided
from inverse.levels import VE, VP, Grid, Level
from inverse.priors import Between, ClassifierFree, ClassifierScore, GaussianPrior, Mixture
from inverse.samplers import Process
from inverse.steps import Prox
from inverse.transitions import Heun
from operators import Problem, gaussian, identity
from tests.inverse.cases import Joint, Rng64

SHAPE, DIM, VARIANCE = (1, 2, 2), 4, 0.2
MEANS = torch.randn(5, DIM, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
WEIGHTS = torch.tensor([0.1, 0.3, 0.2, 0.25, 0.15], dtype=torch.float64)
CLASSES = torch.tensor([0, 0, 1, 1, 2])  # of each component
FREE = Mixture(SHAPE, MEANS, WEIGHTS, VARIANCE)
CLASS = [Mixture(SHAPE, MEANS[CLASSES == k], WEIGHTS[CLASSES == k], VARIANCE) for k in range(3)]
LEVELS = [VE()(0.05), VE()(1.0), VE()(20.0), VP()(0.4), Level(0.3, 0.2)]


def classifier(x, level):
    """The exact ``log p(class | x)`` of the mixture's noisy states, less a constant per state."""
    centre = level.alpha * MEANS.to(x)
    spread = level.alpha**2 * VARIANCE + level.sigma**2
    fit = -(x.flatten(1)[:, None] - centre).square().sum(-1) / (2 * spread) + WEIGHTS.log()
    return torch.stack([fit[:, CLASSES == k].logsumexp(1) for k in range(3)], 1)


def states(level, batch=6):
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(batch, *SHAPE, generator=generator, dtype=torch.float64)
    return noise * math.hypot(level.alpha, level.sigma)


def problem(batch=6):
    zero = torch.zeros(batch, *SHAPE, dtype=torch.float64)
    return Problem(identity(SHAPE).double(), gaussian(0.1), zero)


def x0(denoiser, level, x=None):
    x = states(level) if x is None else x
    est = denoiser(x, level, problem(len(x)), Rng64(range(len(x))))
    assert torch.allclose(level.alpha * est.x0 + level.sigma * est.noise, x, atol=1e-10)
    return est.x0


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("label", range(3))
def test_an_exact_classifier_gives_the_prior_of_the_class(level, label):
    guided = Guided(FREE, ClassifierScore(classifier, label))
    assert torch.allclose(x0(guided, level), CLASS[label].denoise(states(level), level), atol=1e-9)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 3.0])
def test_both_guidances_are_the_same_denoiser(level, weight):
    by_classifier = Guided(FREE, ClassifierScore(classifier, 1, weight))
    free = ClassifierFree(CLASS[1], FREE, weight)
    assert torch.allclose(x0(by_classifier, level), x0(free, level), atol=1e-9)


def test_weights_nought_and_one_are_the_two_priors():
    level = VE()(0.7)
    x = states(level)
    for weight, prior in ((0.0, FREE), (1.0, CLASS[2])):
        assert torch.allclose(
            x0(ClassifierFree(CLASS[2], FREE, weight), level), prior.denoise(x, level), atol=1e-12
        )


@pytest.mark.parametrize("weight", [0.5, 2.0])
def test_guided_sampling_of_gaussians_ends_where_it_must(weight):
    """Classes that differ in their means alone: the mean of the guided law at every level, so of
    the samples, is ``m_free + weight (m_class - m_free)``, and the covariance stays."""
    eye = torch.eye(DIM, dtype=torch.float64)
    free, known = (GaussianPrior(SHAPE, mean, VARIANCE * eye) for mean in MEANS[:2])
    guided = ClassifierFree(known, free, weight)
    grid = Grid(80, start=400.0, end=0.005)
    out = list(Process(guided, Heun(), grid).iterate(problem(4000), Joint(4000)))[-1].x0.flatten(1)
    assert torch.allclose(out.mean(0), MEANS[0].lerp(MEANS[1], weight), atol=0.03)
    assert torch.allclose(out.T.cov(), VARIANCE * eye, atol=0.02)


def test_a_solver_can_differentiate_through_guidance():
    """The Jacobian of the guided denoiser is that of the class's own prior."""
    level, v = VP()(0.4), states(VE()(1.0))
    guided = Guided(FREE, ClassifierScore(classifier, 1))
    rng = Rng64(range(6))
    pulled = [
        Evaluation(d, states(level), level, problem(), rng, differentiable=True).pullback(v)
        for d in (guided, CLASS[1], ClassifierFree(CLASS[1], FREE, 1.0))
    ]
    assert torch.allclose(pulled[0], pulled[1], atol=1e-9)
    assert torch.allclose(pulled[2], pulled[1], atol=1e-12)


def test_guidance_on_an_interval():
    guided = ClassifierFree(CLASS[0], FREE, 3.0)
    limited = Between(guided, CLASS[0], low=0.2, high=2.0)
    for nsr, inside in ((0.1, False), (0.2, False), (0.21, True), (2.0, True), (2.1, False)):
        level = VE()(nsr)
        want = x0(guided if inside else CLASS[0], level)
        assert torch.equal(x0(limited, level), want)
        on_vp = Level(0.5, 0.5 * nsr)
        assert torch.equal(x0(limited, on_vp), x0(guided if inside else CLASS[0], on_vp))


def test_network_calls_are_counted():
    from inverse.solving import solve

    guided = ClassifierFree(CLASS[0], FREE, 3.0)
    grid = Grid(10, start=10.0, end=0.1)
    everywhere = solve(Process(guided, Heun(), grid), problem(1), Rng64([0])).nfe
    limited = Between(guided, CLASS[0], low=0.5, high=2.0)
    fewer = solve(Process(limited, Heun(), grid), problem(1), Rng64([0])).nfe
    alone = solve(Process(CLASS[0], Heun(), grid), problem(1), Rng64([0])).nfe
    assert everywhere == 2 * alone and alone < fewer < everywhere


def test_what_the_parts_require_is_required():
    step = Conditioned(FREE, Prox())
    assert ClassifierFree(step, FREE, 1.0).requires == {LINEAR}
    assert Between(FREE, step).requires == {LINEAR}
    assert not Guided(FREE, ClassifierScore(classifier, 0)).requires


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="weight must be 0 or more"):
        ClassifierFree(FREE, FREE, -1.0)
    with pytest.raises(ValueError, match="weight must be 0 or more"):
        ClassifierScore(classifier, 0, math.inf)
    with pytest.raises(ValueError, match="0 <= low < high"):
        Between(FREE, FREE, 2.0, 1.0)
