"""Steps of chains and fits as the authors' code takes them: numbers worked out from their formulas.

The denoiser is nonlinear and its Jacobian not symmetric, everything is in float64.
"""

import math

import pytest
import torch

from inverse import solvers
from inverse.denoise import Prior
from inverse.levels import CLEAN, VE, VP, Level
from inverse.priors import GaussianPrior
from inverse.samplers import Nested, State
from inverse.solvers._sitcom import InputFit
from inverse.solving import solve
from operators import Rng
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem

COUNT = 3


class Curved(Prior):
    """``tanh(M x / sqrt(alpha^2 + sigma^2)) / (1 + nsr)``, M not symmetric."""

    matrix = torch.linspace(-1, 1, DIM * DIM, dtype=torch.float64).sin().view(DIM, DIM) + torch.eye(
        DIM, dtype=torch.float64
    )

    def denoise(self, x, level):
        flat = x.flatten(1) @ self.matrix.T / math.hypot(level.alpha, level.sigma)
        return (flat.tanh() / (1 + level.nsr)).view_as(x)


PRIOR = Curved()


def given(sigma=0.1):
    return dense_problem(sigma, batch=COUNT)


def states(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((COUNT, *SHAPE), generator=generator, dtype=torch.float64)


def close(a, b, tol=1e-10):
    return float((a - b).abs().max()) < tol * max(1.0, float(b.abs().max()))


def test_sitcom_keeps_the_estimate_before_the_last_step_of_adam():
    """K estimates and K steps of torch's own Adam on the squared norm, the last one discarded."""
    problem, matrix = given(sigma=0.0)
    level, x = VP().at(1.5), states()
    w = x.clone().requires_grad_()
    optimiser = torch.optim.Adam([w], lr=0.02)
    kept = None
    for _ in range(6):
        optimiser.zero_grad()
        x0 = PRIOR.denoise(w, level)
        rest = problem.y.flatten(1) - x0.flatten(1) @ matrix.T
        (rest.square().sum() + 0.3 * (w - x).square().sum()).backward()
        optimiser.step()
        kept = x0.detach()
    got = InputFit(PRIOR, 6, 0.02, lam=0.3)(x, level, problem, Rng64(range(COUNT))).x0
    assert close(got, kept, 1e-6)


def test_sitcom_spends_the_calls_that_are_released():
    problem, _ = given(sigma=0.0)
    result = solve(solvers.sitcom(PRIOR, steps=2, iterations=4), problem, Rng64(range(COUNT)))
    assert (result.nfe, result.backward) == (2 * 4, 2 * 3)


def released_levels(start, end, steps):
    """EDM's points: ``steps + 1`` of them from start to end."""
    ends = start ** (1 / 7), end ** (1 / 7)
    return [(ends[0] + (ends[1] - ends[0]) * i / steps) ** 7 for i in range(steps + 1)]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_daps_takes_the_levels_flow_and_step_sizes_that_are_released(momentum):
    """5 Euler steps on 6 points to 0.01, the state there; shares of step / 201; not to 0.1."""
    problem, matrix = given()
    steps, gradients, tau = 200, 3, 0.01
    sampler = solvers.daps(PRIOR, langevin=gradients, walk=1e-4, momentum=momentum)
    levels = released_levels(100.0, 0.1, steps)
    assert [level.nsr for level in sampler.grid()] == pytest.approx([*levels[:-1], 0.0])
    step = 120
    sigma, below, x = levels[step], levels[step + 1], levels[step] * states()
    flow = x.flatten(1)
    inner = released_levels(sigma, 0.01, 5)
    for a, b in zip(inner, inner[1:], strict=False):
        x0 = PRIOR.denoise(flow.view_as(x), VE()(a)).flatten(1)
        flow = flow + (b - a) * (flow - x0) / a
    h = 1e-8 * (1 - momentum) / (2 * gradients) * (1 - 0.99 * step / (steps + 1))
    rng = Rng64(range(COUNT))
    z = flow
    v = rng.normal(x.shape).flatten(1) if momentum else torch.zeros_like(z)
    for _ in range(gradients):
        slope = (problem.y.flatten(1) - z @ matrix.T) @ matrix / tau**2 + (flow - z) / sigma**2
        fresh = rng.normal(x.shape).flatten(1)
        v = momentum * v + h**0.5 * slope + (2 * (1 - momentum)) ** 0.5 * fresh
        z = z + h**0.5 * v
    state, estimate, _ = sampler.step(
        x, VE()(sigma), VE()(below), None, problem, Rng64(range(COUNT))
    )
    assert close(estimate.flatten(1), z)
    assert close(state.flatten(1), z + below * rng.normal(x.shape).flatten(1))


def test_mgps_bursts_where_the_released_settings_put_them():
    """For FFHQ: i counts down to 1; 2 where i <= 20, else 20 at the first five and i % 10 == 0."""
    bursts = solvers.mgps(PRIOR).bursts
    n = 300

    def released(i):
        if i <= 20:
            return 2
        return 20 if i > n - 5 or i % 10 == 0 else 2

    assert [bursts.count(n - i, i) for i in range(n, 0, -1)] == [
        released(i) for i in range(n, 0, -1)
    ]
    calls = {}
    for closing in (0, 3):
        sampler = solvers.mgps(
            PRIOR, steps=5, gradients=1, burst=4, period=2, opening=1, closing=closing
        )
        calls[closing] = solve(sampler, given()[0], Rng64(range(COUNT))).backward
    assert calls == {0: 4 + 4 + 1 + 4, 3: 4 + 4 + 1 + 1}  # the last of 5 is the denoiser's


def test_reddiff_is_adam_on_means_with_its_own_eps():
    """Three steps of torch's Adam on the released loss, so small that eps counts."""
    problem, matrix = given()
    problem = type(problem)(problem.operator * 1e-7, problem.noise, problem.y)
    sampler = solvers.reddiff(PRIOR, steps=9, rate=0.07, lam=1e-7)
    levels, rng = sampler.grid(), Rng64(range(COUNT))
    mu = states(3).flatten(1).requires_grad_()
    optimiser = torch.optim.Adam([mu], lr=0.07, betas=(0.9, 0.99), eps=1e-8)
    for a in levels[:3]:
        noise = rng.normal((COUNT, *SHAPE)).flatten(1)
        x = (a.alpha * mu + a.sigma * noise).detach()
        eps = (x - a.alpha * PRIOR.denoise(x.view(-1, *SHAPE), a).flatten(1)) / a.sigma
        noisy = ((eps - noise).detach() * mu).mean(1)
        rest = problem.y.flatten(1) - 1e-7 * mu @ matrix.T
        optimiser.zero_grad()
        (rest.square().mean(1) / 2 + 1e-7 * a.nsr * noisy).sum().backward()
        optimiser.step()
    walk = sampler.iterate(problem, Rng64(range(COUNT)), State(states(3)))
    got = [next(walk) for _ in range(3)][-1].x0.flatten(1)
    assert close(got, mu.detach(), 1e-8)
    plain = states(3).flatten(1)
    assert float((got - plain).abs().min()) < 0.9 * 3 * 0.07  # else eps would not have counted


@pytest.mark.parametrize("name", ["ldps", "psld"])
def test_latent_guidance_adds_no_fresh_noise_by_default(name):
    problem, _ = given()
    sampler = getattr(solvers, name)(PRIOR, steps=6)
    seeds = ([1, 2, 3], [4, 5, 6])
    walks = [sampler.iterate(problem, Rng64(own), State(states())) for own in seeds]
    assert torch.equal(next(walks[0]).x, next(walks[1]).x)


class Impulses(Rng):
    """Draw k is 1 in all of sample k and 0 in the others: the answers are those to each draw."""

    def __init__(self, count):
        super().__init__(range(count))
        self.drawn = 0

    def normal(self, shape, dtype=torch.float64):
        out = torch.zeros(shape, dtype=dtype)
        if self.drawn < len(out):
            out[self.drawn] = 1
        self.drawn += 1
        return out


@pytest.mark.parametrize("spread", [0.15, 0.5, 1.0])
@pytest.mark.parametrize("rho", [0.3, 1.0])
def test_the_draws_of_pnpdm_from_the_prior_are_as_wide_as_they_should_be(rho, spread):
    """Within 2 % of the standard deviation of x0 given z, in 30 calls, and about its mean."""
    calls, variance = 30, spread**2
    prior = GaussianPrior(SHAPE, torch.zeros(DIM).double(), variance * torch.eye(DIM).double())
    draw = solvers.pnpdm(prior, inner=calls).denoiser
    problem, _ = dense_problem(batch=calls + 1)
    z = torch.ones(calls + 1, *SHAPE, dtype=torch.float64)
    x0 = draw(z, Level(1.0, rho), problem, Impulses(calls + 1)).x0
    mean = x0[-1]  # only zeros were drawn
    exact = (variance * rho**2 / (variance + rho**2)) ** 0.5
    width = (x0[:-1] - mean).square().sum(0).sqrt()
    assert width.flatten().tolist() == pytest.approx([exact] * DIM, rel=0.02)
    assert mean.flatten().tolist() == pytest.approx([variance / (variance + rho**2)] * DIM)
    assert isinstance(draw, Nested) and len(draw.sampler.grid(Level(1.0, rho))) == calls + 1


@pytest.mark.parametrize("released", [True, False])
def test_the_second_half_of_a_step_of_stsp(released):
    """Released: sigma half way in nsr, and at the step to clean a half as at the level before."""
    problem, matrix = given()
    sampler = solvers.stsp(PRIOR, steps=5, order=1, released=released)
    x = states()
    gram = matrix @ matrix.T

    def score(x, level):
        """PiGDM's: J^T A^T (r^2 A A^T + sigma_y^2)^-1 (y - A x0), r^2 = nsr^2 / (1 + nsr^2)."""
        leaf = x.clone().requires_grad_()
        x0 = PRIOR.denoise(leaf, level).flatten(1)
        r2 = level.nsr**2 / (1 + level.nsr**2)
        inner = r2 * gram + 0.01 * torch.eye(len(matrix)).double()
        v = torch.linalg.solve(inner, (problem.y.flatten(1) - x0 @ matrix.T).T).T @ matrix
        return torch.autograd.grad((x0 * v.detach()).sum(), leaf)[0]

    levels = sampler.grid()
    for a, b in ((levels[2], levels[3]), (levels[-2], CLEAN)):
        half = (a.nsr - b.nsr) / 2
        state = x / a.alpha + half * a.sigma * score(x, a)
        noise = (a.alpha * state - a.alpha * PRIOR.denoise(a.alpha * state, a)) / a.sigma
        state = state + (b.nsr - a.nsr) * noise
        middle = (a.nsr + b.nsr) / 2
        at, sigma = (b, b.sigma) if b.sigma else (a, 0.0)
        if released:
            sigma = middle / math.hypot(1, middle)
        state = state + half * sigma * score(b.alpha * state, at)
        got, _, _ = sampler.step(x, a, b, sampler.init_memory(), problem, Rng64(range(COUNT)))
        assert close(got, b.alpha * state, 1e-8)
