"""One step of solvers for linear operators, by the authors' released rules worked out here."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from inverse import solvers
from inverse.denoise import Prior
from inverse.flows.replace import reduced
from inverse.levels import CLEAN, VP, Grid, Level
from inverse.samplers import Iterate, Sampler, State
from operators import Inpaint, Problem, downsample, gaussian, measure
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem

BATCH = 2


class Bent(Prior):
    """A nonlinear denoiser whose Jacobian is not symmetric: ``tanh(W x + b) / 2``, W by level."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.weight = torch.randn((DIM, DIM), generator=generator, dtype=torch.float64) / 3
        self.bias = torch.randn(DIM, generator=generator, dtype=torch.float64) / 3

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        bent = torch.tanh(x.flatten(1) @ self.weight.T / (1 + level.nsr) + self.bias)
        return bent.view_as(x) / 2

    def jacobian(self, x: Tensor, level: Level) -> Tensor:
        """Of one flat state, written out."""
        bent = torch.tanh(self.weight @ x / (1 + level.nsr) + self.bias)
        return (1 - bent**2)[:, None] * self.weight / (1 + level.nsr) / 2


PRIOR = Bent()


def states() -> Tensor:
    return Rng64([21, 22]).normal((BATCH, *SHAPE))


def masked() -> tuple[Problem, Tensor]:
    """A noiseless measurement of half of the pixels, and the mask."""
    mask = torch.tensor([1, 0, 1, 1, 0, 1, 0, 0]).view(SHAPE)
    operator = Inpaint(SHAPE, mask.bool()).double()
    truth = Rng64([31, 32]).normal((BATCH, *SHAPE)).tanh()
    return measure(operator, gaussian(0.0), truth, Rng64([1, 2])), mask.double()


def stepped(
    sampler: Sampler, problem: Problem, x: Tensor, steps: int = 1
) -> tuple[Iterate, list[Level]]:
    """The iterate after a few steps from a given first state, and the walk of levels."""
    levels = list(sampler.grid())
    walk = sampler.iterate(problem, Rng64([4, 5]), State(x))
    return [next(walk) for _ in range(steps)][-1], levels


def noise_of(x: Tensor, x0: Tensor, level: Level) -> Tensor:
    return (x - level.alpha * x0) / level.sigma


def test_diffpir_steps_as_released_at_four_times_its_lam():
    """Their sigma_y is on [0, 1], their data step on images (x + 1) / 2, their nsr on [-1, 1]."""
    given, matrix = dense_problem(sigma=0.1, batch=BATCH)
    sampler = solvers.diffpir(PRIOR, steps=5)
    x = states()
    got, (a, b, *_) = stepped(sampler, given, x)
    x0, n = PRIOR.denoise(x, a).flatten(1), Rng64([4, 5]).normal(x.shape)
    rho = 7 * 0.05**2 / a.nsr**2
    unit = (x0 + 1) / 2
    y = (given.y + matrix.sum(1)) / 2  # of (x + 1) / 2
    normal = matrix.T @ matrix + rho * torch.eye(DIM, dtype=torch.float64)
    unit = torch.linalg.solve(normal, (y @ matrix + rho * unit).T).T
    x0 = (2 * unit - 1).view_as(x)
    want = b.alpha * x0 + b.sigma * (math.sqrt(0.7) * noise_of(x, x0, a) + math.sqrt(0.3) * n)
    assert torch.allclose(got.x, want, atol=1e-11)


def test_diffpirs_levels_are_the_released_ones_in_time():
    """Theirs are ``sqrt(linspace(0, T^2, n))``, counted from the noisy end."""
    schedule, steps = VP(), 100
    levels = Grid(steps, schedule, start=150.0, end=1e-4, spacing="sqrt")()
    top = schedule.time(150.0)
    for i in (10, 25, 50, 75, 90, 98):
        want = 1 - math.sqrt(i / (steps - 1))
        assert schedule.time(levels[i].nsr) / top == pytest.approx(want, abs=2e-4)
    assert solvers.diffpir(PRIOR).grid()[50] == pytest.approx(
        Grid(steps, schedule, start=150.0, end=0.01, spacing="sqrt")()[50]
    )


@pytest.mark.parametrize("damped", [True, False])
def test_pigdms_nudge_is_the_released_one(damped):
    """``sqrt(alpha_s alpha_t) J^T A^+ (y - A x0)`` or, by their option mcg, without alpha_s.

    Their alphas are squares of ours.
    """
    given, mask = masked()
    sampler = solvers.pigdm(PRIOR, steps=5, damped=damped)
    x = states()
    got, (t, s, *_) = stepped(sampler, given, x)
    at, squared = t.alpha**2, s.alpha**2
    c1 = math.sqrt((1 - at / squared) * (1 - squared) / (1 - at))
    c2 = math.sqrt(1 - squared - c1**2)
    x0, n = PRIOR.denoise(x, t), Rng64([4, 5]).normal(x.shape)
    rest = (mask * (given.y - x0)).flatten(1)
    jacobians = [PRIOR.jacobian(one.flatten(), t) for one in x]
    guide = torch.stack([j.T @ r for j, r in zip(jacobians, rest, strict=True)]).view_as(x)
    size = math.sqrt(at) * (math.sqrt(squared) if damped else 1.0)
    want = math.sqrt(squared) * x0 + c1 * n + c2 * noise_of(x, x0, t) + size * guide
    assert torch.allclose(got.x, want, atol=1e-6)  # sigma_y has a floor of 1e-3


def test_pigdm_starts_from_the_pseudo_inverse_noised():
    given, mask = masked()
    sampler = solvers.pigdm(PRIOR, steps=5)
    level = sampler.grid()[0]
    x, _ = sampler.begin(given, Rng64([4, 5]), level)
    n = Rng64([4, 5]).normal(x.shape)
    want = level.alpha * mask * given.y + math.sqrt(1 - level.alpha**2) * n
    assert torch.allclose(x, want, atol=1e-12)


def test_ddrm_starts_as_released_but_for_the_scale_of_its_level():
    """Theirs divides the state of variance 1 + nsr^2 by nsr, ours by its root."""
    given, mask = masked()
    given = Problem(given.operator, gaussian(0.6), given.y)
    sampler = solvers.ddrm(PRIOR)
    level = sampler.grid()[0]
    x, _ = sampler.begin(given, Rng64([4, 5]), level)
    n = Rng64([4, 5]).normal(x.shape)
    seen = given.y + math.sqrt(level.nsr**2 - 0.6**2) * n
    theirs = (mask * seen + (1 - mask) * level.nsr * n) / level.nsr
    assert torch.allclose(x, level.sigma * theirs, atol=1e-12)
    assert 1 - level.sigma < 3e-5


@pytest.mark.parametrize("sigma", [0.05, 0.6])
@pytest.mark.parametrize("carry", [False, True])
def test_ddnm_plus_scales_noise_as_released(sigma, carry):
    """For a mask, all singular values 1; where sigma_t > a sigma_y no estimate is carried on."""
    given, mask = masked()
    given = Problem(given.operator, gaussian(sigma), given.y)
    eta = 0.85
    sampler = solvers.ddnm_plus(PRIOR, steps=8, eta=eta, carry=carry)
    levels, x = sampler.grid(), states()
    kept = math.sqrt(1 - eta**2)
    for k in (3, 6, 7):
        (a, b), draws = levels[k : k + 2], Rng64([4, 5])
        got, _, _ = sampler.step(x, a, b, sampler.init_memory(), given, draws)
        x0, n = PRIOR.denoise(x, a), Rng64([4, 5]).normal(x.shape)
        noise = noise_of(x, x0, a)
        free = kept * b.sigma * noise + eta * b.sigma * n
        if b.sigma > b.alpha * sigma:
            lam, root = 1.0, math.sqrt(b.sigma**2 - (b.alpha * sigma) ** 2)
            seen = root * (kept * noise + eta * n if carry else n)
        else:
            lam, seen = b.sigma * kept / (b.alpha * sigma), eta * b.sigma * n
        projected = x0 + lam * mask * (given.y - x0)
        want = b.alpha * projected + mask * seen + (1 - mask) * free
        assert torch.allclose(got, want, atol=1e-12)


@pytest.mark.parametrize("solver", [solvers.ddnm, solvers.ddnm_plus])
def test_ddnm_travels_by_noising_its_last_unprojected_estimate(solver):
    """Two steps down from the top, then up: every upward step draws anew around the same x0."""
    given, _ = masked()
    sampler = solver(PRIOR, steps=3, jump=2, repeats=2)
    levels, x = sampler.grid(), states()
    assert [level.nsr < before.nsr for before, level in pairwise(levels)] == (
        [True, True, False, False, True, True, True]
    )
    second, _ = stepped(sampler, given, x, steps=2)
    first, _ = stepped(sampler, given, x)
    x0 = PRIOR.denoise(first.x, levels[1])  # of the last network call
    draws = Rng64([4, 5])
    for _ in range(2):
        draws.normal(x.shape)
    state, memory = second.x, second.memory
    for a, b in pairwise(levels[2:5]):
        state, memory = sampler.climb(state, a, b, memory, draws)
    replay = Rng64([4, 5])
    n = [replay.normal(x.shape) for _ in range(4)][-1]
    top = levels[4]
    assert top == levels[0]
    assert torch.allclose(state, top.alpha * x0 + top.sigma * n, atol=1e-11)
    third, _ = stepped(sampler, given, x, steps=3)
    want, _, _ = sampler.step(state, top, levels[5], memory, given, draws)
    assert torch.allclose(third.x, want, atol=1e-11)


def released_walk(steps: int, length: int, repeat: int) -> list[int]:
    """Levels counted from the last noisy one, -1 being clean, as RePaint's and DDNM's code walks:
    every multiple of ``length`` below ``steps - length`` is a turning point, ``repeat - 1`` times.
    """
    left = dict.fromkeys(range(0, steps - length, length), repeat - 1)
    at, walk = steps - 1, [steps - 1]
    while at >= 0:
        if left.get(at, 0) > 0:
            left[at] -= 1
            walk += range(at + 1, at + length + 1)
            at += length
        at -= 1
        walk.append(at)
    return walk


@pytest.mark.parametrize(
    ("steps", "length", "repeat"), [(250, 10, 10), (6, 2, 3), (7, 3, 2), (5, 1, 2), (4, 9, 2)]
)
def test_time_travel_turns_where_the_released_code_does(steps, length, repeat):
    sampler = solvers.repaint(PRIOR, steps=steps, jump=length, repeats=repeat)
    down = solvers.repaint(PRIOR, steps=steps, repeats=1).grid()
    walk = [steps - 1 - down.index(level) for level in sampler.grid()]
    assert walk == released_walk(steps, length, repeat)


def test_repaint_diffuses_the_state_up_again():
    given, mask = masked()
    sampler = solvers.repaint(PRIOR, steps=3, jump=1, repeats=2)
    x = states()
    second, (a, b, up, *_) = stepped(sampler, given, x, steps=1)
    assert up == a
    draws = Rng64([4, 5])
    drawn, known, new = (draws.normal(x.shape) for _ in range(3))
    x0 = PRIOR.denoise(x, a)
    share = (b.nsr / a.nsr) ** 2
    mixed = math.sqrt(share) * noise_of(x, x0, a) + math.sqrt(1 - share) * drawn
    want = (1 - mask) * (b.alpha * x0 + b.sigma * mixed)
    want = want + mask * (b.alpha * given.y + b.sigma * known)
    assert torch.allclose(second.x, want, atol=1e-12)
    beta = 1 - (a.alpha / b.alpha) ** 2
    risen, _ = sampler.climb(second.x, b, a, second.memory, _after(2, x))
    assert torch.allclose(risen, math.sqrt(1 - beta) * want + math.sqrt(beta) * new, atol=1e-12)


def _after(count: int, x: Tensor) -> Rng64:
    draws = Rng64([4, 5])
    for _ in range(count):
        draws.normal(x.shape)
    return draws


def line(size: int, out: int) -> Tensor:
    """Cubic, antialiased resizing of a line, mirrored beyond its ends, as a matrix (out, size)."""

    def cubic(t: float) -> float:
        t = abs(t)
        if t <= 1:
            return 1.5 * t**3 - 2.5 * t**2 + 1
        return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t <= 2 else 0.0

    scale, matrix = out / size, torch.zeros(out, size, dtype=torch.float64)
    wide = max(1.0, 1 / scale)
    mirror = [*range(size), *reversed(range(size))]
    for i in range(out):
        centre = (i + 0.5) / scale - 0.5
        taps = range(math.floor(centre - 2 * wide), math.ceil(centre + 2 * wide) + 1)
        weights = [cubic((centre - j) / wide) for j in taps]
        for j, weight in zip(taps, weights, strict=True):
            matrix[i, mirror[j % (2 * size)]] += weight / sum(weights)
    return matrix


@pytest.mark.parametrize(("height", "width", "factor"), [(16, 12, 4), (8, 10, 2), (15, 13, 4)])
def test_the_low_pass_of_ilvr_mirrors_the_image_at_its_borders(height, width, factor):
    x = Rng64([7, 8]).normal((2, 3, height, width))
    tall, wide = (
        line(round(side / factor), side) @ line(side, round(side / factor))
        for side in (height, width)
    )
    assert torch.allclose(reduced(x, factor), tall @ x @ wide.T, atol=1e-12)


def test_ilvr_refines_every_step_but_the_last():
    truth = Rng64([7, 8]).normal((BATCH, 1, 8, 8)).tanh()
    given = measure(downsample((1, 8, 8), 2).double(), gaussian(0.0), truth, Rng64([1, 2]))

    class Flat(Prior):
        def denoise(self, x: Tensor, level: Level) -> Tensor:
            return torch.tanh(x.flip(-1) + 0.1) / (1 + level.nsr)

    sampler = solvers.ilvr(Flat(), steps=3, factor=2)
    *_, a, b = sampler.grid()
    assert b == CLEAN
    x = Rng64([3, 9]).normal(truth.shape)
    last, _, _ = sampler.step(x, a, b, sampler.init_memory(), given, Rng64([4, 5]))
    assert torch.equal(last, Flat().denoise(x, a))
    refined = solvers.ilvr(Flat(), steps=3, factor=2, until=None)
    last, x0, _ = refined.step(x, a, b, sampler.init_memory(), given, Rng64([4, 5]))
    reference = given.operator.pinv(given.y)
    estimate = Flat().denoise(x, a)
    assert torch.allclose(last, estimate + reduced(reference - estimate, 2), atol=1e-12)


def test_flower_steps_as_released():
    """Their normal equations in `1 / sigma_y^2` and `1 / r^2`, their noise all fresh."""
    given, matrix = dense_problem(sigma=0.2, batch=BATCH)
    found, levels = stepped(solvers.flower(PRIOR, steps=4), given, states(), 2)
    rng, x = Rng64([4, 5]), states()
    for a, b in list(pairwise(levels))[:2]:
        t, u = (level.alpha / (level.alpha + level.sigma) for level in (a, b))
        r2 = (1 - t) ** 2 / (t**2 + (1 - t) ** 2)
        x1 = PRIOR.denoise(x, a)
        left = matrix.T @ matrix / 0.2**2 + torch.eye(DIM).double() / r2
        right = given.y.flatten(1) @ matrix / 0.2**2 + x1.flatten(1) / r2
        x1 = torch.linalg.solve(left, right.T).T.view_as(x)
        x = (u * x1 + (1 - u) * rng.normal(x.shape)) * (b.alpha + b.sigma)
    torch.testing.assert_close(found.x, x, rtol=1e-6, atol=1e-8)


def test_cm4ir_steps_as_released():
    """Told `(1 + delta) s`, moved by the regularised back-projection, the noise turned round."""
    given, matrix = dense_problem(sigma=0.2, batch=BATCH)
    deltas = (0.1, 0.3, 0.2)
    solver = solvers.cm4ir(PRIOR, start=350, gamma=0.3, deltas=deltas, zeta=2.0)
    found, levels = stepped(solver, given, states(), 2)
    abar = torch.linspace(1e-4, 0.02, 1000).double().neg().add(1)[:352].prod()
    sigmas = [float((1 - abar * 1.3**i).sqrt()) for i in range(3)]
    assert [level.nsr for level in levels] == pytest.approx([*sigmas, 0.0], rel=1e-4)
    inner = matrix @ matrix.T + 2.0 * 0.2**2 * torch.eye(len(matrix)).double()
    rng, x = Rng64([4, 5]), states()
    for s, after, delta in zip(sigmas, sigmas[1:], deltas[:2], strict=False):
        x0 = PRIOR.denoise(x, Level(1.0, (1 + delta) * s))
        back = torch.linalg.solve(inner, (x0.flatten(1) @ matrix.T - given.y.flatten(1)).T)
        minus = (x0 - x) / s
        x = x0 - (matrix.T @ back).T.view_as(x0)
        x = x + after * (0.1 * rng.normal(x.shape) + (1 - 0.1**2) ** 0.5 * minus)
    torch.testing.assert_close(found.x, x, rtol=1e-4, atol=1e-5)
    last, _, _ = solver.step(x, levels[-2], levels[-1], None, given, rng)
    x0 = PRIOR.denoise(x, Level(1.0, 1.2 * levels[-2].nsr))
    torch.testing.assert_close(last, x0, rtol=1e-6, atol=1e-8)
