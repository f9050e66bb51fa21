"""Stepping in between outer steps: edit the estimate, change the measurement, start warm."""

import torch

from inverse.levels import Level
from inverse.metrics import psnr
from inverse.priors import GaussianPrior
from inverse.samplers import Iterate, State
from inverse.solvers import nested
from operators import Inpaint, Rng, gaussian, inpaint_box, masks, measure

SHAPE = (1, 8, 8)
NOISE = gaussian(0.05)


def prior() -> GaussianPrior:
    """Images that vary smoothly in both directions."""
    line = torch.linspace(0, 1, 8)
    kernel = torch.exp(-2 * (line[:, None] - line).abs())
    return GaussianPrior(SHAPE, torch.zeros(64), 0.25 * torch.kron(kernel, kernel))


def truth(it: GaussianPrior) -> torch.Tensor:
    noise = torch.randn(1, 64, generator=torch.Generator().manual_seed(0))
    return ((noise * it.values.sqrt()) @ it.vectors.T).view(1, *SHAPE)


def after(steps: int, sampler, problem) -> tuple[Iterate, Rng]:
    """The iterate of a step, and the generator as it was then."""
    rng = Rng([1])
    walk = sampler.iterate(problem, rng)
    return [next(walk) for _ in range(steps)][-1], rng


def test_new_measurements_are_taken_up_on_the_way():
    it = prior()
    x, sampler = truth(it), nested(it, outer_steps=4, inner_most=3)
    hole = measure(inpaint_box(SHAPE), NOISE, x, Rng([2]))
    whole = measure(Inpaint(SHAPE, torch.ones(1, 8, 8)), NOISE, x, Rng([2]))
    middle, rng = after(2, sampler, hole)
    state = rng.state()
    stayed = list(sampler.iterate(hole, rng, middle))
    rng.restore(state)
    changed = list(sampler.iterate(whole, rng, middle))
    assert [step.step for step in changed] == [3, 4]
    assert float(psnr(changed[-1].x0, x)) > float(psnr(stayed[-1].x0, x)) + 3


def test_what_is_painted_between_steps_stays_where_nothing_is_measured():
    it = prior()
    x, sampler = truth(it), nested(it, outer_steps=4, inner_most=3, outer_temperature=0.0)
    problem = measure(inpaint_box(SHAPE), NOISE, x, Rng([2]))
    lost = (masks.box(SHAPE) == 0).expand(1, *SHAPE)
    middle, rng = after(3, sampler, problem)
    state = rng.state()
    plain = list(sampler.iterate(problem, rng, middle))[-1].x0
    rng.restore(state)
    painted = middle.edited(torch.where(lost, middle.x0 + 1.0, middle.x0))
    assert torch.allclose(painted.x - middle.x, middle.level.alpha * lost.float())
    kept = list(sampler.iterate(problem, rng, painted))[-1].x0
    assert float((kept - plain)[..., 3:5, 3:5].mean()) > 0.3


def test_a_warm_start_enters_at_its_own_level():
    it = prior()
    x, sampler = truth(it), nested(it, outer_steps=3, inner_most=2)
    problem = measure(inpaint_box(SHAPE), NOISE, x, Rng([2]))
    level = Level(1.0, 0.1)
    state = x + level.sigma * Rng([3]).normal(x.shape)  # say, another method's result
    first = next(sampler.iterate(problem, Rng([1]), State(state, level)))
    cold = next(sampler.iterate(problem, Rng([1])))
    assert first.level.nsr < level.nsr
    assert float(psnr(first.x0, x)) > float(psnr(cold.x0, x)) + 1
