"""What every solver keeps: batch independence, seeds, resuming, the caller's tensors."""

import copy
import functools
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from inverse import solvers
from inverse.denoise import BACKWARD, LINEAR, FieldPrior, Unfit
from inverse.levels import splitting
from inverse.priors import EDMPrior
from inverse.samplers import Process, State
from inverse.solving import Budget, NothingReady, solve
from inverse.transitions import DDIM, DPMSolver2M, Heun, Momentum, Multistep, Renoise
from operators import (
    Problem,
    Rng,
    gaussian,
    inpaint_random,
    measure,
)
from tests.inverse.solver_cases import (
    OPERATORS,
    OTHERS,
    SHAPE,
    SOLVERS,
    prior_for,
    problem,
    tiny_prior,
    truths,
)


class Swift(FieldPrior):
    """As nonlinear and untrained as `tiny_prior`, and 20 times as fast: two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        into, out = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 3, 3, padding=1)
        self.network = nn.Sequential(into, nn.Tanh(), out)
        self.requires_grad_(False)

    def restore(self, z, field):
        def share(nsr):
            return (1 + nsr**2).rsqrt()

        into = field.apply(share, z)
        out = field.apply(lambda nsr: (1 - share(nsr) ** 2).sqrt(), self.network(into))
        return field.apply(share, into) + out


ROUNDING = 64
"""Units in the last place that a sample's neighbours may change, before the solver amplifies it."""


def run(solver, problem, seeds, prior):
    return list(SOLVERS[solver](prior).iterate(problem, Rng(seeds)))


def last(solver, problem, seeds=(4, 0, 9), disturbed=0.0):
    """The restoration in the problem's precision, of a network whose output is disturbed."""
    prior = copy.deepcopy(prior_for(solver)).to(problem.y.dtype)
    generator = torch.Generator().manual_seed(0)

    def disturb(network, args, out):
        image = out if isinstance(out, torch.Tensor) else out[0]  # diffusers' networks give a tuple
        noise = torch.randn(image.shape, generator=generator, dtype=image.dtype)
        moved = image * (1 + disturbed * noise)
        return moved if image is out else (moved,)

    if disturbed:
        prior.network.register_forward_hook(disturb)
    return list(SOLVERS[solver](prior).iterate(problem, Rng(seeds)))[-1].x0


def of(dtype):
    operator = inpaint_random(SHAPE, keep=0.4).to(dtype)
    return measure(operator, gaussian(0.05), truths(3).to(dtype), Rng(range(50, 53)))


@functools.cache
def condition(solver) -> float:
    """How far the restoration moves when the network's output does, both as a share: exactly."""
    given, size = of(torch.float64), 1e-9
    clean, moved = last(solver, given), last(solver, given, disturbed=size)
    return float((moved - clean).abs().max() / clean.abs().max().clamp_min(1)) / size


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_batch_equals_its_samples_one_by_one(solver, dtype):
    given = of(dtype)
    together = last(solver, given)
    tol = ROUNDING * torch.finfo(dtype).eps * max(condition(solver), 1)
    assert together.dtype == dtype and condition(solver) < 1e4  # or float64 would show nothing
    for i, seed in enumerate([4, 0, 9]):
        alone = last(solver, given[i : i + 1], [seed])
        close = tol * float(together.abs().max().clamp_min(1))
        assert float((together[i : i + 1] - alone).abs().max()) <= close, solver


@pytest.mark.parametrize("solver", SOLVERS)
def test_resuming_changes_nothing(solver):
    sampler, rng = SOLVERS[solver](prior_for(solver)), Rng([1, 2, 3])
    walk = sampler.iterate(problem(), rng)
    middle = next(walk)
    state = rng.state()
    whole = [middle, *walk][-1].x0
    fresh = Rng([7, 8, 9])
    fresh.restore(state)
    resumed = [middle, *sampler.iterate(problem(), fresh, middle)][-1].x0
    assert torch.equal(whole, resumed)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_callers_tensors_are_untouched(solver):
    given = problem()
    y = given.y.clone()
    x = torch.ones(3, *SHAPE)
    sampler = SOLVERS[solver](prior_for(solver))
    list(sampler.iterate(given, Rng([0, 1, 2]), State(x)))
    assert torch.equal(given.y, y)
    assert torch.equal(x, torch.ones(3, *SHAPE))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("operator", [*OPERATORS, *OTHERS])
@pytest.mark.parametrize("sigma", [0.0, 0.05, [0.02, 0.05, 0.1]], ids=["clean", "noisy", "each"])
def test_every_solver_takes_every_operator_it_does_not_refuse(solver, operator, sigma):
    given = problem(operator, sigma)
    if not all(need.met(given) for need in SOLVERS[solver](Swift()).requires):
        with pytest.raises(Unfit, match="the solver needs"):
            run(solver, given, [0, 1, 2], Swift())
        return
    iterates = run(solver, given, [0, 1, 2], Swift())
    assert iterates[-1].x0.shape == (3, *SHAPE)
    assert iterates[-1].step == iterates[-1].steps
    assert all(torch.isfinite(it.x0).all() for it in iterates)


@pytest.mark.parametrize("split", ["unsplit", "lie", "strang"])
@pytest.mark.parametrize(
    "transition",
    [DDIM(0.5), Renoise(0.3), Heun(), Multistep(3), DPMSolver2M(), Momentum(2)],
    ids=lambda t: type(t).__name__,
)
def test_steps_of_stateful_transitions_resume(transition, split):
    from inverse.flows import PinvScore, ScoreFlow
    from inverse.levels import Grid

    flow = ScoreFlow(PinvScore(0.25, jacobian=False))
    sampler = Process(tiny_prior(), transition, Grid(6, start=2.0, end=0.1), flow, split)
    rng = Rng([1, 2, 3])
    walk = sampler.iterate(problem(), rng)
    middle = [next(walk) for _ in range(3)][-1]
    state = rng.state()
    whole = [middle, *walk][-1].x0
    rng.restore(state)
    resumed = list(sampler.iterate(problem(), rng, middle))[-1].x0
    assert torch.equal(whole, resumed)


def test_solve_counts_network_calls_forward_and_backward():
    result = solve(solvers.dps(tiny_prior(), steps=5), problem(), Rng([0, 1, 2]))
    assert (result.nfe, result.backward, result.finished) == (5, 5, True)
    result = solve(solvers.nested(tiny_prior(), outer_steps=3), problem(), Rng([0, 1, 2]))
    assert (result.nfe, result.backward) == (7, 0)  # of one call, then three each


def test_a_budget_of_calls_is_kept_and_the_best_so_far_returned():
    sampler = solvers.nested(tiny_prior(), outer_steps=4, inner_least=3)
    result = solve(sampler, problem(), Rng([0, 1, 2]), Budget(nfe=8), keep=4)
    assert result.nfe == 8 and not result.finished
    assert [s.nfe for s in result.snapshots] == [3, 6]
    assert torch.equal(result.x0, result.snapshots[-1].x0)


def test_long_runs_keep_a_few_snapshots_only():
    sampler = solvers.diffpir(tiny_prior(), steps=50)
    result = solve(sampler, problem(), Rng([0, 1, 2]), keep=7)
    assert [s.nfe for s in result.snapshots] == [8, 16, 24, 32, 40, 48]


def test_a_budget_too_small_for_a_first_image_says_so():
    with pytest.raises(NothingReady, match="before a first restoration"):
        solve(solvers.nested(tiny_prior(), inner_least=3), problem(), Rng([0, 1, 2]), Budget(nfe=2))


def test_ctrl_c_returns_the_best_so_far():
    def interrupt(meter, last):
        if last is not None and last.step == 2:
            raise KeyboardInterrupt

    sampler = solvers.nested(tiny_prior(), outer_steps=4, inner_most=2)
    result = solve(sampler, problem(), Rng([0, 1, 2]), watch=interrupt)
    assert not result.finished and torch.isfinite(result.x0).all()


def test_a_time_budget_is_kept_within_one_call(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("inverse.solving.metering.time", SimpleNamespace(monotonic=lambda: now[0]))

    class Slow(EDMPrior):
        def denoise(self, x, level):
            now[0] += 2.0
            return super().denoise(x, level)

    prior = Slow({"channels": [16, 16], "layers": 1}).requires_grad_(False)
    result = solve(
        solvers.nested(prior, outer_steps=9, inner_most=2), problem(), Rng([0, 1, 2]), Budget(15.0)
    )
    assert not result.finished
    assert result.nfe == 7 and result.seconds == 14.0  # an eighth call would end at 16 s


def test_divergence_is_an_error_that_keeps_the_last_good_estimate():
    from inverse.solving import Diverged

    class Explodes(type(tiny_prior())):
        calls = 0

        def denoise(self, x, level):
            self.calls += 1
            return x / (0.0 if self.calls > 2 else 1.0)

    sampler = solvers.diffpir(Explodes({"channels": [16, 16], "layers": 1}), steps=5)
    with pytest.raises(Diverged, match="step 3 of 5") as caught:
        solve(sampler, problem("denoise"), Rng([0, 1, 2]))
    assert caught.value.last is not None and caught.value.last.step == 2


@pytest.mark.parametrize("bad", [{"seconds": 0}, {"nfe": -1}])
def test_a_budget_must_be_positive(bad):
    with pytest.raises(ValueError, match="must be positive"):
        Budget(**bad)


def test_what_a_solver_requires_is_the_sum_of_its_parts():
    def requires(solver):
        return SOLVERS[solver](tiny_prior()).requires

    assert requires("nested") == requires("diffpir") == {LINEAR}
    assert requires("dps") == {BACKWARD}
    assert requires("pigdm") == {LINEAR, BACKWARD}


def test_solvers_that_need_a_linear_operator_say_so():
    from operators import Operator

    class Clip(Operator):
        def _forward(self, x):
            return x.clamp(-0.5, 0.5)

    nonlinear = Problem(Clip(SHAPE, SHAPE), gaussian(0.1), torch.zeros(1, *SHAPE))
    for solver in ("ddnm", "diffpir", "pigdm", "nested"):
        with pytest.raises(Unfit, match="needs a linear operator, got Clip"):
            SOLVERS[solver](tiny_prior()).iterate(nonlinear, Rng([0]))  # at once, before any call
    list(SOLVERS["dps"](tiny_prior()).iterate(nonlinear, Rng([0])))


@pytest.mark.parametrize(
    ("stages", "match"),
    [
        ("strangg", "must be one of"),
        ((("prior", 1.0), ("data", 0.5)), "sum to"),
        ((("prior", 1.0), ("data", 1.0), ("x", 1.0)), "only"),
    ],
)
def test_wrong_splittings_are_refused(stages, match):
    with pytest.raises(ValueError, match=match):
        splitting(stages)
