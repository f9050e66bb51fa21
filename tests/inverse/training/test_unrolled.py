"""Walks differentiated end to end: gradients, memory, wiring, learned levels, tuning."""

import pytest
import torch
from torch import nn

from inverse.denoise import Conditioned, Prior, Unfit
from inverse.levels import Grid, Level
from inverse.priors import EDMPrior
from inverse.samplers import Process
from inverse.solvers import ddnm, dps, idm, nested
from inverse.starts import Start
from inverse.steps import Prox
from inverse.training.recipe import Recipe
from inverse.training.tuning import tune
from inverse.training.unrolled import Learned, Told, unroll
from inverse.training.wired import Wired, run
from inverse.transitions import DDIM
from operators import Rng, gaussian, identity, inpaint_random, measure, walsh_hadamard

SHAPE = (3, 8, 8)


def network(seed: int = 0, kind: str = "local") -> EDMPrior:
    torch.manual_seed(seed)
    prior = EDMPrior({"kind": kind, "channels": [8, 8], "layers": 1})
    for p in prior.parameters():
        p.data += 0.1 * torch.randn(p.shape)
    return prior


def problem(dtype: torch.dtype = torch.float64, count: int = 2):
    x0 = torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    operator = inpaint_random(SHAPE, keep=0.5).to(dtype)
    return x0.to(dtype), measure(operator, gaussian(0.1), x0.to(dtype), Rng(range(count)))


def slopes(loss: torch.Tensor, module: nn.Module) -> list[torch.Tensor]:
    used = [p for p in module.parameters() if p.requires_grad]
    return list(torch.autograd.grad(loss, used))


WALKS = {
    "idm": idm,
    "noisy": lambda prior: Process(Conditioned(prior, Prox()), DDIM(1.0), Grid(4, start=2.0)),
    "ddnm": lambda prior: ddnm(prior, steps=4, jump=1, repeats=2),
    "nested": lambda prior: nested(prior, outer_steps=3),
}


@pytest.mark.parametrize("walk", WALKS)
def test_gradients_of_an_unrolled_walk_are_those_of_plain_autograd(walk):
    prior = network().double()
    sampler = WALKS[walk](prior)
    x0, given = problem()
    loss = (unroll(sampler, given, Rng([5, 6])) - x0).square().mean()
    *_, last = sampler.walk(given, Rng([5, 6]).of(x0.dtype), None)  # keeps all of the graph
    plain = (last.x0 - x0).square().mean()
    *_, usual = sampler.iterate(given, Rng([5, 6]))
    assert torch.equal(last.x0, usual.x0) and not usual.x0.requires_grad
    assert abs(loss.item() - plain.item()) < 1e-12
    for ours, theirs in zip(slopes(loss, prior), slopes(plain, prior), strict=True):
        assert (ours - theirs).abs().max() < 1e-10


def stored(sampler: Process, given, walk) -> int:
    """Bytes that are kept from the way out for the way back, each tensor once."""
    seen = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        seen[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        walk(sampler, given, Rng([5, 6])).sum().backward()
    fixed = {p.untyped_storage().data_ptr() for p in sampler.parameters()}
    return sum(t.untyped_storage().nbytes() for at, t in seen.items() if at not in fixed)


def plainly(sampler: Process, given, rng: Rng) -> torch.Tensor:
    *_, last = sampler.walk(given, rng, None)
    return last.x0


def test_memory_of_an_unrolled_walk_is_that_of_one_step_however_many_there_are():
    prior, (_, given) = network(), problem(torch.float32)
    walks = {t: idm(prior, levels=[2.0 * 0.8**k for k in range(t)]) for t in (1, 3, 12)}
    one = stored(walks[1], given, plainly)
    peak = {t: stored(walks[t], given, unroll) + one for t in (3, 12)}
    assert peak[12] <= 1.15 * peak[3]
    assert stored(walks[12], given, plainly) > 3 * stored(walks[3], given, plainly)


def test_a_walk_that_is_guided_by_the_networks_gradient_is_refused():
    _, given = problem(torch.float32)
    with pytest.raises(Unfit, match="guided by the network's gradient"):
        unroll(dps(network(), steps=2), given, Rng([5, 6]))


def test_gradients_by_learned_levels_are_those_of_differences():
    prior = Told(network(kind="stem").double())
    sampler = idm(prior)
    sampler.grid = Learned(sampler.grid(None)).double()
    x0, given = problem()

    def loss() -> torch.Tensor:
        return (unroll(sampler, given, Rng([5, 6])) - x0).square().mean()

    (slope,) = torch.autograd.grad(loss(), [sampler.grid.log_nsrs])
    for k in range(3):
        sides = []
        for change in (1e-5, -2e-5):
            sampler.grid.log_nsrs.data[k] += change
            sides.append(loss().item())
        sampler.grid.log_nsrs.data[k] += 1e-5
        assert abs(float(slope[k]) - (sides[0] - sides[1]) / 2e-5) < 1e-7
    fixed = idm(prior, levels=sampler.grid.nsrs)
    *_, last = fixed.iterate(given, Rng([5, 6]))
    assert torch.allclose(unroll(sampler, given, Rng([5, 6])), last.x0, atol=1e-9)


def test_learned_levels_begin_at_those_of_a_walk_that_falls():
    assert Learned(idm(network(), levels=[2.0, 1.0]).grid(None)).nsrs == pytest.approx([2.0, 1.0])
    with pytest.raises(ValueError, match="levels that fall"):
        Learned([Level(1.0, 1.0), Level(1.0, 2.0)])


# --- wiring -------------------------------------------------------------------------------------
class Conv(nn.Module):
    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layer = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.layer(x))


def wires(count: int, v: float) -> list[Wired]:
    return [Wired(Conv(k), v) for k in range(count)]


@pytest.mark.parametrize(("v", "steps", "bar"), [(0.5, 3, 3e-6), (0.5, 10, 1e-3), (0.8, 20, 1e-4)])
def test_wired_steps_are_undone_up_to_rounding_that_grows_by_one_over_v(v, steps, bar):
    pair = tuple(torch.rand(2, 2, *SHAPE, generator=torch.Generator().manual_seed(0)))
    with torch.no_grad():
        made = pair
        for wire in wires(steps, v):
            made = wire(*made)
        for wire in reversed(wires(steps, v)):
            made = wire.inverse(*made)
    error = max(float((a - b).abs().max()) for a, b in zip(made, pair, strict=True))
    assert error < bar


def test_gradients_of_wired_steps_are_those_of_plain_autograd_and_nothing_is_stored():
    shares = (0.3, 0.6, 0.9)
    steps = nn.ModuleList([Wired(Conv(k), v) for k, v in enumerate(shares)]).double()
    x1, x2 = torch.rand(2, 1, *SHAPE, dtype=torch.float64, requires_grad=True)
    made = run(list(steps), x1, x2)
    plain = x1, x2
    for step in steps:
        plain = step(*plain)
    assert all(torch.equal(a, b) for a, b in zip(made, plain, strict=True))
    wanted = [*steps.parameters(), x1, x2]
    ours, theirs = (
        torch.autograd.grad((a.square() + a * b).sum(), wanted) for a, b in (made, plain)
    )
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).abs().max() < 1e-10


# --- tuning -------------------------------------------------------------------------------------
class Gain(Prior):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.3))

    def denoise(self, x: torch.Tensor, level: Level) -> torch.Tensor:
        return self.gain * x / level.alpha


class Measured(Start):
    def __call__(self, problem, rng, level):
        return problem.y * level.alpha


def quick(**changes) -> Recipe:
    return Recipe(**{"minutes": 1e6, "every": 1e6, "warmup": 1, "rate": 1e-2} | changes)


def test_a_gain_is_tuned_to_that_of_wiener():
    sampler = Process(Gain(), DDIM(0.0), Grid(1, start=0.6), start=Measured())

    def pictures(step: int) -> torch.Tensor:
        return 0.8 * Rng([step]).normal((1, 3, 32, 32))

    task = [lambda shape, seed: identity(shape)]
    list(tune(sampler, task, gaussian(0.6), pictures, quick(steps=300)))
    assert abs(sampler.denoiser.gain.item() - 0.64 / (0.64 + 0.36)) < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_a_step_lowers_the_loss_of_its_own_batch(seed):
    sampler, (x0, _) = idm(network(seed)), problem(torch.float32)
    once = quick(steps=1, rate=1e-4)

    def task(shape, seed):
        return walsh_hadamard(shape, ratio=0.5, seed=seed)

    def loss() -> float:
        """Of the batch of step 0, before the step that is then made."""
        return list(tune(sampler, [task], gaussian(0.1), lambda step: x0, once))[-1]["loss"]

    before = loss()
    assert loss() < before
