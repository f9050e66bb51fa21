"""What a caller may get wrong on the way into a walk is told in one line, with the way out."""

import pytest
import torch

from inverse import solvers
from inverse.denoise import Unfit
from inverse.levels import CLEAN, Level
from inverse.priors import GaussianPrior, Mixture
from inverse.samplers import State
from inverse.solving import Budget, Planned, solve
from operators import Identity, Rng, gaussian, inpaint_random, measure
from tests.inverse.solver_cases import SHAPE, SOLVERS, problem, tiny_prior

SMALL = (1, 4, 4)


def small(count=1):
    truth = torch.zeros(count, *SMALL)
    return measure(inpaint_random(SMALL, keep=0.5), gaussian(0.05), truth, Rng(range(count)))


def white(shape=SMALL):
    size = torch.Size(shape).numel()
    return GaussianPrior(shape, torch.zeros(size), torch.eye(size))


@pytest.mark.parametrize(
    ("error", "match", "call"),
    [
        (TypeError, r"as nested\(prior\) .* got nested itself",
         lambda: solve(solvers.nested, small(), Rng([0]))),
        (TypeError, "got GaussianPrior itself", lambda: solve(white(), small(), Rng([0]))),
        (TypeError, r"as Rng\(\[0\]\), got 0", lambda: solve(solvers.ddnm(white()), small(), 0)),
        (ValueError, "one seed per image: got 2 for a problem of 1; .*repeat",
         lambda: solve(solvers.ddnm(white()), small(), Rng([0, 1]))),
        (TypeError, r"a Problem, got Identity; .* measure\(",
         lambda: solve(solvers.ddnm(white()), Identity(SMALL), Rng([0]))),
        (TypeError, r"a State\(x, level\) or an Iterate, got Tensor",
         lambda: solvers.ddnm(white()).iterate(small(), Rng([0]), torch.zeros(1, *SMALL))),
        (ValueError, "at 2 images for a problem of 1",
         lambda: solvers.ddnm(white()).iterate(small(), Rng([0]), State(torch.zeros(2, *SMALL)))),
        (Unfit, r"bound to images of \(1, 2, 2\), got \(1, 4, 4\)",
         lambda: solve(solvers.ddnm(white((1, 2, 2))), small(), Rng([0]))),
        (Unfit, r"bound to images of \(1, 2, 2\), got \(1, 4, 4\)",
         lambda: solve(solvers.ddnm(Mixture((1, 2, 2), torch.zeros(1, 4), torch.ones(1))),
                       small(), Rng([0]))),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line(error, match, call):
    with pytest.raises(error, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("made", ["dps", "ddrm", "fps_smc", "nested", "reddiff", "resample"])
@pytest.mark.parametrize("taken", ["ddrm", "fps_smc", "nested-posterior", "mgps", "pnpdm"])
def test_an_iterate_of_another_sampler_is_refused(made, taken):
    if made == taken:
        return
    given = problem()
    iterate = next(SOLVERS[made](tiny_prior()).iterate(given, Rng([0, 1, 2])))
    with pytest.raises(ValueError, match="go on with the sampler that made it") as caught:
        SOLVERS[taken](tiny_prior()).iterate(given, Rng([0, 1, 2]), iterate)
    assert "\n" not in str(caught.value)


def test_particles_of_another_sampler_are_refused():
    given = problem()
    iterate = next(SOLVERS["dps"](tiny_prior()).iterate(given, Rng([0, 1, 2])))
    with pytest.raises(ValueError, match="not of Particles"):
        SOLVERS["fps_smc"](tiny_prior()).weighted(iterate)


def test_a_sampler_made_anew_goes_on_where_its_like_stopped():
    rng = Rng([3])
    walk = solvers.ddnm(white(), steps=5).iterate(small(), rng)
    middle = [next(walk), next(walk)][-1]
    state = rng.state()
    whole = list(walk)[-1].x0
    rng.restore(state)
    again = list(solvers.ddnm(white(), steps=5).iterate(small(), rng, middle))[-1].x0
    assert torch.equal(again, whole)


def test_a_warm_start_goes_on_down_its_own_levels():
    sampler, rng = solvers.nested(white(), outer_steps=4), Rng([3])
    warm = State(torch.zeros(1, *SMALL), Level(1.0, 0.3))
    walk = sampler.iterate(small(), rng, warm)
    middle, state = next(walk), rng.state()
    rest = list(walk)
    rng.restore(state)
    again = list(sampler.iterate(small(), rng, middle))
    assert [it.level for it in again] == [it.level for it in rest]
    assert torch.equal(again[-1].x0, rest[-1].x0)


@pytest.mark.parametrize("first", ["plain", "planned"])
def test_a_walk_goes_on_with_a_plan_or_without(first):
    plain = solvers.ddnm(white(), steps=6)
    planned = Planned(plain, Budget(nfe=9))
    begun, other = (plain, planned) if first == "plain" else (planned, plain)
    walk = begun.iterate(small(), Rng([3]))
    middle = [next(walk) for _ in range(3)][-1]
    rest = list(other.iterate(small(), Rng([3]), middle))
    levels = [it.level.nsr for it in (middle, *rest)]
    assert levels == sorted(levels, reverse=True) and rest[-1].level == CLEAN
    assert rest[-1].step == rest[-1].steps == 3 + len(rest)
    assert len(rest) == (9 if first == "plain" else 6)


def test_a_planned_chain_shows_clean_images_and_goes_on():
    sampler = Planned(solvers.reddiff(white(), steps=50), Budget(nfe=8))
    walk = sampler.iterate(small(), Rng([3]))
    begun = [next(walk) for _ in range(4)]
    assert all(it.level == CLEAN and torch.equal(it.x, it.x0) for it in begun)
    rest = list(sampler.iterate(small(), Rng([3]), begun[-1]))
    assert len(rest) == 8 and rest[0].step == 5


def test_particles_are_planned_too():
    sampler = Planned(solvers.fps_smc(tiny_prior(), steps=50, particles=3), Budget(nfe=12))
    result = solve(sampler, problem(), Rng([0, 1, 2]), Budget(nfe=12))
    assert result.finished and result.nfe == 12 and result.x0.shape == (3, *SHAPE)
