"""The Langevin step and DAPS against the exact moments of their updates under a Gaussian prior."""

from itertools import pairwise

import pytest
import torch

from inverse import solvers
from inverse.denoise import steepness
from inverse.levels import CLEAN, VE, Grid, Level
from inverse.priors import GaussianPrior
from inverse.steps import Langevin
from operators import (
    Inpaint,
    Operator,
    Problem,
    Rng,
    blur_gaussian,
    framewise,
    gaussian,
    hdr,
    jpeg,
    quantise,
)
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem, gaussian_prior

COUNT = 2000
EYE = torch.eye(DIM).double()
PRIOR = gaussian_prior()
PROBLEM, MATRIX = dense_problem(batch=COUNT)
Y = PROBLEM.y[0].flatten()
START = torch.linspace(1, -1, DIM).double()

Moments = tuple[torch.Tensor, torch.Tensor]


def size_at(
    level: Level, rate: float, tau: float, start: float = 100.0, least: float = 0.01
) -> float:
    """The documented step size, with the norm from a dense decomposition."""
    root = [nsr ** (1 / 7) for nsr in (start, level.nsr, 0.1)]
    share = rate * (1 - (1 - least) * (root[0] - root[1]) / (root[0] - root[2]))
    return share / (level.nsr**-2 + float(torch.linalg.matrix_norm(MATRIX, 2)) ** 2 / tau**2)


def langevin(begin: Moments, level: Level, steps: int, h: float, tau: float, keep: float = 0.0):
    """Moments of x after the step, those of x0 being given: (x0, x, v) evolves linearly."""
    curve = MATRIX.T @ MATRIX / tau**2 + EYE / level.nsr**2
    zero, root = torch.zeros_like(EYE), h**0.5
    pull = torch.cat([EYE * (root / level.nsr**2), -root * curve, keep * EYE], 1)
    rows = torch.cat([torch.zeros(DIM, DIM).double(), EYE, zero], 1) + root * pull
    move = torch.cat([torch.cat([EYE, zero, zero], 1), rows, pull])
    push = root * MATRIX.T @ Y / tau**2
    shift = torch.cat([torch.zeros(DIM).double(), root * push, push])
    fresh = torch.cat([zero, root * EYE, EYE]) * (2 * (1 - keep)) ** 0.5
    both = torch.cat([EYE, EYE, zero])
    mean, cov = both @ begin[0], both @ begin[1] @ both.T
    if keep:
        cov[2 * DIM :, 2 * DIM :] = EYE
    for _ in range(steps):
        mean, cov = move @ mean + shift, move @ cov @ move.T + fresh @ fresh.T
    part = slice(DIM, 2 * DIM)
    return mean[part], cov[part, part]


def draw(begin: Moments, level: Level) -> Moments:
    """Moments of an exact draw from the step's target, with tau = sigma_y."""
    cov = torch.linalg.inv(EYE / level.nsr**2 + MATRIX.T @ MATRIX / PROBLEM.sigma**2)
    gain = cov / level.nsr**2
    mean = gain @ begin[0] + cov @ MATRIX.T @ Y / PROBLEM.sigma**2
    return mean, cov + gain @ begin[1] @ gain.T


def flowed(x: torch.Tensor, sigma: float, steps: int) -> torch.Tensor:
    """Euler's steps of the probability flow to noise of 0.01, whose state it is."""
    nsrs = [level.nsr for level in Grid(steps + 1, start=sigma, end=0.01)()[:-1]]
    for a, b in pairwise(nsrs):
        x = x + (b - a) * (x - PRIOR.denoise(x, VE()(a))) / a
    return x


def daps(steps: int, levels: tuple[Level, ...], step) -> Moments:
    """Moments of what DAPS returns: flow, step and fresh noise at every level."""
    mean, cov = torch.zeros(DIM).double(), levels[0].sigma ** 2 * EYE
    for a, b in zip(levels, levels[1:], strict=False):
        probe = torch.cat([torch.zeros(1, DIM).double(), EYE]).view(-1, *SHAPE)
        out = flowed(probe, a.nsr, steps).flatten(1)
        linear = (out[1:] - out[0]).T
        mean, cov = step((linear @ mean + out[0], linear @ cov @ linear.T), a)
        cov = cov + b.sigma**2 * EYE
    return mean, cov


def compare(x: torch.Tensor, exact: Moments, tol: float) -> None:
    x, (mean, cov) = x.flatten(1), exact
    assert float((x.mean(0) - mean).norm() / cov.trace().sqrt()) < tol
    assert float((torch.cov(x.T) - cov).norm() / cov.norm()) < 2 * tol


@pytest.mark.parametrize("momentum", [0.0, 0.8], ids=["langevin", "hamiltonian"])
@pytest.mark.parametrize("tau", [None, 0.1], ids=["sigma", "tau"])
def test_the_step_has_the_moments_of_its_update(momentum, tau):
    level, step = VE()(0.5), Langevin(12, 1.2, tau, momentum)
    x0 = START.view(1, *SHAPE).repeat(COUNT, 1, 1, 1)
    x = step(x0, level, PROBLEM, Rng64(range(COUNT)))
    tau, begin = tau or PROBLEM.sigma, (START, torch.zeros_like(EYE))
    compare(x, langevin(begin, level, 12, size_at(level, 1.2, tau), tau, momentum), 0.05)


def test_many_small_steps_reach_the_target():
    """The reference's own stationary moments are those of the exact draw."""
    level, begin = VE()(0.5), (START, torch.zeros_like(EYE))
    exact = draw(begin, level)
    for keep in (0.0, 0.9):
        mean, cov = langevin(begin, level, 20000, 3e-4, PROBLEM.sigma, keep)
        assert torch.allclose(mean, exact[0], atol=1e-5)
        assert float((cov - exact[1]).norm() / exact[1].norm()) < 0.02


class Steep(Operator):
    """A nonlinear operator whose Jacobian is large, and of another size for each sample."""

    def _forward(self, x):
        return 30 * torch.sin(x)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_no_operator_makes_it_diverge(momentum):
    operator = Steep(SHAPE, SHAPE).double()
    x0 = torch.randn((4, *SHAPE), generator=torch.Generator().manual_seed(2)).double()
    given = Problem(operator, gaussian(0.05), operator(x0) + 0.05)
    x = Langevin(200, 1.5, momentum=momentum)(x0, VE()(1.0), given, Rng64(range(4)))
    assert float((x - x0).abs().max()) < 0.5
    rms = given.rms_residual(x) / 0.05
    assert float(rms.max()) < 2.5


@pytest.mark.parametrize("momentum", [0.0, 0.8])
@pytest.mark.parametrize("gain", [1.0, 0.02])
def test_what_is_not_measured_wanders_no_further_than_told(momentum, gain):
    """However small the operator is, which asks for longer steps."""
    mask = torch.zeros(SHAPE).bool()
    mask[..., 0] = True
    x0 = torch.zeros((COUNT, *SHAPE)).double()
    operator = gain * Inpaint(SHAPE, mask).to(torch.float64)
    given = Problem(operator, gaussian(0.05), operator(x0))
    step = Langevin(150, 1.0, momentum=momentum, start=9.0, walk=0.1)
    x = step(x0, VE()(10.0), given, Rng64(range(COUNT)))
    lost = (x * ~mask).flatten(1).square().sum(1).mean() / (~mask).sum()
    assert float(lost.sqrt()) == pytest.approx(0.1, rel=0.1)


def test_the_step_size_is_per_sample():
    """Sample 1 has a hundredth of sample 0's noise; each moves as it does alone."""
    mask = torch.ones(SHAPE).bool()
    operator = Inpaint(SHAPE, mask).to(torch.float64)
    x0 = START.view(1, *SHAPE).repeat(2, 1, 1, 1)
    given = Problem(operator, gaussian([0.5, 0.005]), torch.zeros_like(x0))
    together = Langevin(9, 1.0)(x0, VE()(1.0), given, Rng64([3, 4]))
    for i in range(2):
        alone = Langevin(9, 1.0)(x0[:1], VE()(1.0), given[i : i + 1], Rng64([3 + i]))
        assert torch.allclose(together[i : i + 1], alone, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_daps_has_the_moments_of_its_update(momentum):
    kind: dict = {"steps": 6, "ode_steps": 4, "start": 20.0}
    kind |= {"tau": None, "walk": None}  # the true noise, and no bound but that of stability
    sampler = solvers.daps(PRIOR, langevin=8, rate=0.9, momentum=momentum, **kind)
    x = list(sampler.iterate(PROBLEM, Rng64(range(COUNT))))[-1].x0

    def step(begin, level):
        h = size_at(level, 0.9, PROBLEM.sigma, start=20.0, least=1 - 0.99 * 6 / 7)
        return langevin(begin, level, 8, h, PROBLEM.sigma, momentum)

    levels = Grid(7, start=20.0, end=0.1)()
    compare(x, daps(4, (*levels[:6], CLEAN), step), 0.06)


def test_daps_in_the_limit_widens_the_posterior():
    """Its bias, by exact moments: exact flow, exact draw, many levels.

    ``x0 ~ N(ODE(x), nsr^2 I)`` counts the spread of x0 given x twice, in the flow's end, which is
    itself a sample, and in the step. The mean is nearly right; the variance is 1.90 times that of
    the posterior with 1000 levels, 1.98 with the published 200 and 2.82 with 25.
    """
    mean, cov = PRIOR.posterior(MATRIX, PROBLEM.y[:1], PROBLEM.sigma)

    def limit(steps: int) -> tuple[float, float]:
        got = torch.zeros(DIM).double(), 100.0**2 * EYE
        levels = Grid(steps, start=100.0, end=0.1)()
        for a, b in zip(levels, levels[1:], strict=False):
            shrink = (PRIOR.values / (PRIOR.values + a.nsr**2)).sqrt()
            flow = (PRIOR.vectors * shrink) @ PRIOR.vectors.T
            begin = PRIOR.mean + flow @ (got[0] - PRIOR.mean), flow @ got[1] @ flow.T
            middle, spread = draw(begin, a)
            got = middle, spread + b.sigma**2 * EYE
        shift = (got[0] - mean[0]).norm() / cov.trace().sqrt()
        return float(got[1].trace() / cov.trace()), float(shift)

    for steps, ratio in ((25, 2.82), (200, 1.98), (1000, 1.90)):
        assert limit(steps)[0] == pytest.approx(ratio, abs=0.01)
        assert limit(steps)[1] < 0.08


@pytest.mark.parametrize(
    "bad",
    [
        {"steps": 0},
        {"rate": 0.0},
        {"rate": 2.0},
        {"momentum": 1.0},
        {"tau": 0.0},
        {"walk": 0.0},
        {"least": 0.0},
        {"end": 100.0},
    ],
    ids=str,
)
def test_bad_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="Langevin: need"):
        Langevin(**bad)


def test_langevin_draws_from_each_samples_own_stream():
    x0, level = START.view(1, *SHAPE).repeat(2, 1, 1, 1), VE()(0.5)
    given, _ = dense_problem(batch=2)
    x = Langevin(3)(x0, level, given, Rng64([1, 1]))
    assert torch.allclose(x[0], x[1]) and not torch.equal(x[0], x0[0])


ROUNDING = {
    "jpeg": lambda: jpeg((3, 16, 16), 10),
    "one bit": lambda: quantise((3, 16, 16), bits=1),
    "behind a blur": lambda: quantise((3, 16, 16), 2) @ blur_gaussian((3, 16, 16), 3, 0.6),
}


def smooth_images(count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return (0.4 * torch.randn(count, 3, 16, 16, generator=generator)).clamp(-0.9, 0.9)


@pytest.mark.parametrize("name", ROUNDING)
def test_an_operator_that_rounds_is_as_steep_as_its_vjp_says(name):
    """Where rounding counts as the identity; differences would say 0, or hundreds."""
    operator = ROUNDING[name]().double()
    for x in (smooth_images(1).double(), torch.zeros(1, 3, 16, 16).double()):
        rows = torch.eye(768).double().view(768, 3, 16, 16)
        jacobian = operator.vjp(x.expand(768, -1, -1, -1), rows).flatten(1).detach()
        exact = float(torch.linalg.matrix_norm(jacobian, 2)) ** 2
        given = Problem(operator, gaussian(0.05), operator(x))
        assert float(steepness(given, x, Rng64([1]))) == pytest.approx(exact, rel=0.05)
        assert exact < 3


@pytest.mark.parametrize("name", ROUNDING)
def test_pnpflow_stays_finite_and_fits_where_the_operator_rounds(name):
    operator = ROUNDING[name]()
    x = smooth_images()
    given = Problem(operator, gaussian(0.05), operator(x))
    prior = GaussianPrior((3, 16, 16), torch.zeros(768), 0.16 * torch.eye(768))
    *_, last = solvers.pnpflow(prior, steps=12, draws=1, power=0.1).iterate(given, Rng([1, 2]))
    grey = given.rms_residual(torch.zeros_like(x))
    assert torch.isfinite(last.x0).all() and (given.rms_residual(last.x0) < 0.8 * grey).all()


@pytest.mark.parametrize("name", [*ROUNDING, "clip"])
def test_a_small_tau_counts_as_the_noise_where_the_operator_rounds_alone(name):
    """One step, by hand: rounded data pull by ``1 / sigma_y^2``, others by ``1 / tau^2``."""
    operator = (ROUNDING | {"clip": lambda: hdr((3, 16, 16))})[name]().double()
    x0, tau, level = smooth_images().double(), 0.01, VE()(0.5)
    shift = torch.linspace(-0.3, 0.3, 768).double().view(3, 16, 16)
    given = Problem(operator, gaussian([0.2, 0.005]), operator(x0) + shift)
    spread = torch.tensor([0.2, 0.01] if name in ROUNDING else [0.01, 0.01]).double()
    gain, rng = steepness(given, x0, Rng64([1, 2])), Rng64([1, 2])
    rng.normal(x0.shape)
    h = (0.5 / (4 + gain / spread**2)).view(2, 1, 1, 1)
    pull = operator.vjp(x0, shift.expand_as(x0)) / spread.view(2, 1, 1, 1) ** 2
    expected = x0 + h * pull + (2 * h).sqrt() * rng.normal(x0.shape)
    got = Langevin(1, 0.5, tau, start=0.5, end=0.1)(x0, level, given, Rng64([1, 2]))
    assert torch.allclose(got, expected, atol=1e-6)


def test_what_holds_an_operator_that_rounds_rounds():
    rounded, blur = quantise((3, 4, 16), 2), blur_gaussian((3, 4, 16), 3, 0.6)
    plain = hdr((3, 4, 16))
    assert (rounded @ blur).rounds and (blur @ rounded).rounds
    assert framewise(rounded, 2).rounds and not framewise(plain, 2).rounds
    assert not (plain @ blur).rounds
