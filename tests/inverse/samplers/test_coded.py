"""Images with a code: the joint posterior by Gibbs, where that sticks, and classes by evidence."""

import pytest
import torch

from inverse.denoise import Prior
from inverse.levels import Grid
from inverse.priors import Classes, GaussianPrior, Mixture
from inverse.samplers import Coded, Process, State
from inverse.training.evidence import class_posterior
from inverse.transitions import DDIM
from operators import Inpaint, Problem, Rng, gaussian

SHAPE, SIGMA = (1, 1, 2), 0.5


def means(apart: float) -> torch.Tensor:
    """Alike in the value that is measured, `apart` in the other."""
    return torch.tensor([[0.0, 0.0], [1.5, apart], [-0.9, 2 * apart]]).double()


WEIGHTS = torch.tensor([0.5, 0.3, 0.2]).double()


def classes(apart: float, exact: bool = True) -> Classes:
    """Three unit Gaussians, alike in their covariance."""
    priors = [GaussianPrior(SHAPE, mean, torch.eye(2).double()) for mean in means(apart)]

    def likelihood(x0: torch.Tensor, rng: Rng) -> torch.Tensor:
        return -torch.cdist(x0.flatten(1), means(apart)).square() / 2

    return Classes(priors, WEIGHTS, likelihood if exact else None)


def seen(count: int, y: float = 0.4) -> Problem:
    """The first of two values, with noise."""
    mask = torch.tensor([1.0, 0.0]).double().view(1, *SHAPE)
    values = torch.tensor([y, 0.0]).double().view(1, *SHAPE).expand(count, *SHAPE)
    return Problem(Inpaint(SHAPE, mask).double(), gaussian(SIGMA), values.clone())


def exact_solver(prior: Prior) -> Process:
    """Draws of x0 given y: one step, by the Gaussian's own posterior."""

    class Exact(Process):
        def step(self, x, a, b, memory, problem, rng):
            m = torch.stack([self.denoiser.priors[k].mean for k in self.denoiser.code.tolist()])
            gain = 1 / (1 + SIGMA**2)
            y, drawn = problem.y.flatten(1), rng.normal(x.shape).flatten(1)
            first = m[:, :1] + gain * (y[:, :1] - m[:, :1]) + (1 - gain) ** 0.5 * drawn[:, :1]
            x0 = torch.cat([first, m[:, 1:] + drawn[:, 1:]], 1).view_as(x)
            return x0, x0, memory

    return Exact(prior, DDIM(), Grid(1, start=1.0))


def truth(apart: float, y: float = 0.4) -> torch.Tensor:
    """`p(c | y)`."""
    spread = 1 + SIGMA**2
    return (WEIGHTS.log() - (y - means(apart)[:, 0]) ** 2 / 2 / spread).softmax(0)


def shares(sampler: Coded, count: int, skip: int = 20) -> torch.Tensor:
    kept = [it.memory for it in sampler.iterate(seen(count), Rng(range(count))) if it.step > skip]
    return torch.stack(kept).flatten().bincount(minlength=3).double() / (len(kept) * count)


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().sum() / 2)


def test_classes_that_overlap_are_drawn_as_often_as_the_posterior_says():
    found = shares(Coded(classes(0.75), exact_solver, sweeps=60), 400)
    assert distance(found, truth(0.75)) < 0.02


def test_classes_far_apart_stick_to_where_they_began_and_their_evidence_does_not():
    apart, y = 8.0, 3.0
    began = Coded(classes(apart), exact_solver, sweeps=30)
    walk = list(began.iterate(seen(300, y), Rng(range(300))))
    same = (walk[0].memory == walk[-1].memory).double().mean()
    found = torch.stack([it.memory for it in walk[10:]]).flatten().bincount(minlength=3)
    assert same > 0.95 and distance(found / found.sum(), truth(apart, y)) > 0.2
    given = class_posterior(classes(apart), seen(400, y)).mean(0)
    assert distance(given, truth(apart, y)) < 0.02


@pytest.mark.parametrize("apart", [0.75, 4.0])
def test_the_class_posterior_given_a_measurement_is_the_exact_one(apart):
    found = class_posterior(classes(apart), seen(400)).mean(0)
    assert distance(found, truth(apart)) < 0.02


def test_images_are_told_apart_by_denoising_as_by_their_likelihood():
    x0 = Mixture(SHAPE, means(0.75), WEIGHTS).means.view(-1, *SHAPE)[1:2].repeat(200, 1, 1, 1)
    one, other = (classes(0.75, exact).given(x0, Rng(range(200))) for exact in (True, False))
    assert distance(one.exp().mean(0), other.exp().mean(0)) < 0.02


def test_each_image_is_denoised_by_the_prior_of_its_own_class():
    code, x = torch.tensor([2, 0, 2]), torch.randn(3, *SHAPE).double()
    level = Grid(1, start=1.3)()[0]
    mixed = classes(3.0).coded(code).denoise(x, level)
    for row, k in enumerate(code.tolist()):
        alone = classes(3.0).priors[k].denoise(x[row : row + 1], level)
        assert torch.allclose(mixed[row : row + 1], alone, atol=1e-12)


def test_a_walk_resumes_and_begins_at_an_image():
    sampler = Coded(classes(1.5), exact_solver, sweeps=4)
    rng = Rng(range(5))
    steps = sampler.iterate(seen(5), rng)
    second = [next(steps), next(steps)][1]
    state = rng.state()
    whole = [second, *steps][-1]
    rng.restore(state)
    *_, resumed = sampler.iterate(seen(5), rng, second)
    assert torch.equal(whole.x0, resumed.x0) and torch.equal(whole.memory, resumed.memory)
    at = State(means(8.0)[1].view(1, *SHAPE).repeat(5, 1, 1, 1))
    first = next(Coded(classes(8.0), exact_solver, sweeps=1).iterate(seen(5), Rng(range(5)), at))
    assert bool((first.memory == 1).all())


def test_what_cannot_be_is_refused_in_one_line():
    with pytest.raises(ValueError, match="a positive weight for each"):
        Classes(list(classes(1.0).priors), torch.tensor([1.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match="sweeps must be a whole number"):
        Coded(classes(1.0), exact_solver, sweeps=0)
