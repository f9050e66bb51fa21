"""Solvers for latents and flows: steps by hand where all is linear, and every one on a real VAE."""

import functools

import pytest
import torch

from inverse import solvers
from inverse.denoise import Unfit
from inverse.levels import Discrete, Level
from inverse.priors import GaussianPrior
from inverse.samplers import Decoded, State, decoded, flow_grid, latent_grid
from inverse.solving import Budget, Planned, plan, solve
from operators import Rng, blur_gaussian, gaussian, inpaint_random, measure
from tests.inverse.cases import DIM, SHAPE, Joint, Rng64, dense_problem, gaussian_prior
from tests.inverse.latent_cases import PIXELS, prior
from tests.inverse.linear_latents import COUNT, final, latents, setting

STATE = torch.linspace(-1, 1, 3 * DIM).double().view(3, *SHAPE)


def clean(prior, z, level):
    return prior.denoise(z, level).flatten(1)


# --- steps by hand ---------------------------------------------------------------------------
def test_a_step_of_flowchef_by_hand():
    prior, problem, matrix, _, _ = setting(batch=3, scale=1.3)
    sampler = solvers.flowchef(prior, steps=4, scale=2.0)
    a, b = sampler.sampler.grid()[:2]
    assert a.sigma == pytest.approx(1 - 1e-3, abs=2e-6) and (a.alpha + a.sigma) == pytest.approx(1)
    iterate = next(sampler.iterate(problem, Rng64([0, 1, 2]), State(STATE)))
    x, x0 = STATE.flatten(1), clean(prior, STATE, a)
    velocity = (x - x0) / a.sigma
    slope = 2 / 4 * (x0 @ matrix.T - problem.y.flatten(1)) @ matrix
    expected = x + (b.sigma - a.sigma) * velocity - 2.0 * slope
    assert torch.allclose(iterate.x.flatten(1), expected, atol=1e-9)


def test_a_step_of_flowdps_by_hand():
    prior, problem, matrix, _, _ = setting(batch=3)
    sampler = solvers.flowdps(prior, steps=4, iterations=2, rate=0.3)
    a, b = sampler.sampler.grid()[:2]
    iterate = next(sampler.iterate(problem, Rng64([0, 1, 2]), State(STATE)))
    x0 = moved = clean(prior, STATE, a)
    noise = (STATE.flatten(1) - a.alpha * x0) / a.sigma
    for _ in range(2):
        rest = moved @ matrix.T - problem.y.flatten(1)
        moved = moved - 0.3 * (rest / rest.norm(dim=1, keepdim=True)) @ matrix
    x0 = (1 - a.sigma) * x0 + a.sigma * moved
    fresh = Rng64([0, 1, 2]).normal(STATE.shape).flatten(1)
    mixed = b.sigma**0.5 * noise + (1 - b.sigma) ** 0.5 * fresh
    expected = x0 + b.sigma * (mixed - x0)  # the paper's form
    assert torch.allclose(iterate.x.flatten(1), expected, atol=1e-6)  # alpha + sigma = 1 - 2e-16


def test_a_shifted_flow_has_noise_ratios_times_the_shift():
    plain, shifted = flow_grid(4)(), flow_grid(4, 3.0)()
    times = [1 - 1e-3 / 1.001, 0.75, 0.5, 0.25]
    assert [lv.sigma for lv in plain[:-1]] == pytest.approx(times, abs=2e-3)
    for level, t in zip(shifted[1:-1], times[1:], strict=True):
        assert level.nsr == pytest.approx(3 * t / (1 - t), rel=2e-2)
    assert shifted[-1].sigma == 0


def test_the_latent_grid_has_the_timesteps_of_the_papers():
    schedule = Discrete.scaled_linear()
    for steps, times in ((8, [999, 874, 749, 624, 499, 374, 249, 124]), (4, [999, 749, 499, 249])):
        levels = latent_grid(steps)()
        assert [schedule.time(lv.nsr) for lv in levels[:-1]] == pytest.approx(times, abs=1e-6)
    assert schedule(999).alpha ** 2 == pytest.approx(0.00466, abs=1e-5)  # SD's last alpha_bar


def recursion(prior, problem, matrix, grid, power, rate):
    """The mean of PnP-Flow's chain: all is affine, so means follow the noiseless recursion."""
    gain = torch.linalg.matrix_norm(matrix, 2) ** 2
    x, first = torch.zeros(1, DIM).double(), True
    for a in grid[:-1]:
        if not first:
            size = rate * (a.sigma / (a.alpha + a.sigma)) ** power / gain
            x = x + size * (problem.y[:1].flatten(1) - x @ matrix.T) @ matrix
        x, first = clean(prior, (a.alpha * x).view(1, *SHAPE), a), False
    return x


def test_the_mean_of_pnpflow_follows_its_recursion():
    prior, problem, matrix, _, _ = setting()
    sampler = solvers.pnpflow(prior, steps=12, rate=1.2, power=0.3, draws=2)
    x = latents(prior, final(sampler, problem))
    expected = recursion(prior, problem, matrix, sampler.sampler.grid(), 0.3, 1.2)
    assert float((x.mean(0) - expected).norm()) < 4 * float(x.std(0).norm()) / COUNT**0.5 + 1e-2


def test_pnpflow_stays_at_its_fixed_point():
    """At one level for ever the mean solves x = D(alpha (x - rate t^p / L grad F(x)))."""
    from inverse.solvers._pnpflow import PlugAndPlay

    prior, problem, matrix, _, _ = setting()
    level = Level(0.6, 0.4)
    chain = PlugAndPlay(prior, lambda start: (level,) * 60, 1.0, 0.5, 1)
    sampler = decoded(chain, prior)
    x = latents(prior, final(sampler, problem, Joint(COUNT, 3))).mean(0)
    size = 0.4**0.5 / torch.linalg.matrix_norm(matrix, 2) ** 2
    step = x + size * (problem.y[0].flatten() - matrix @ x) @ matrix
    fixed = clean(prior, (0.6 * step).view(1, *SHAPE), level)[0]
    assert float((fixed - x).norm()) < 0.02


def test_a_step_of_latino_by_hand():
    prior, problem, _, _, _ = setting(batch=3, scale=1.3)
    sampler = solvers.latino(prior, steps=4, delta=0.7)
    a, b = sampler.sampler.grid()[:2]
    iterate = next(sampler.iterate(problem, Rng64([0, 1, 2]), State(STATE)))
    dense = problem.operator(torch.eye(12).double().view(12, 1, 3, 4)).flatten(1).T
    x = prior.decode(prior.denoise(STATE, a)).flatten(1)
    lam = 0.3**2 / (0.7 * a.sigma**2)  # sigma_y^2 / (delta (1 - alpha_bar))
    gram = dense.T @ dense + lam * torch.eye(12).double()
    x = x + (problem.y.flatten(1) - x @ dense.T) @ dense @ torch.linalg.inv(gram)
    z0 = prior.encode(x.view(3, 1, 3, 4))
    expected = b.alpha * z0 + b.sigma * Rng64([0, 1, 2]).normal(STATE.shape)
    assert torch.allclose(iterate.x, expected, atol=1e-9)
    assert a.alpha**2 + a.sigma**2 == pytest.approx(1)


def test_latino_starts_from_the_encoded_wiener_restoration():
    from inverse.starts import wiener

    prior, problem, _, _, _ = setting(batch=3)
    sampler = solvers.latino(prior, steps=4).sampler
    first = sampler.grid()[0]
    state, _ = sampler.begin(problem, Rng64([0, 1, 2]), first)
    noise = Rng64([0, 1, 2]).normal(STATE.shape)
    expected = first.alpha * prior.encode(wiener(problem)) + first.sigma * noise
    assert torch.allclose(state, expected)


# --- ReSample --------------------------------------------------------------------------------
def test_resampling_draws_from_the_product_of_two_gaussians():
    sampler = solvers.resample(gaussian_prior(), steps=4, gamma=3.0)
    x0, drawn = torch.full((1, 1), 0.7).double(), torch.full((1, 1), -0.4).double()
    a, b = Level(0.6, 0.8), Level(0.8, 0.6)
    many = [t.expand(20000, 1) for t in (x0, drawn)]
    z = sampler.transition.between(*many, a, b, Joint(20000))
    s2 = 3.0 * b.sigma**2 * (1 - (b.nsr / a.nsr) ** 2)
    ddpm = (1 - 0.64) / (1 - 0.36) * (1 - 0.36 / 0.64)  # (1 - ab_u) / (1 - ab_t) (1 - ab_t / ab_u)
    assert s2 == pytest.approx(3.0 * ddpm)
    precision = 1 / 0.36 + 1 / s2
    mean = (0.8 * 0.7 / 0.36 - 0.4 / s2) / precision
    assert float(z.mean()) == pytest.approx(mean, abs=0.01)
    assert float(z.var()) == pytest.approx(1 / precision, rel=0.05)


def test_hard_consistency_stops_at_the_noise_and_only_samples_that_want_it_move():
    prior, problem, _, _, _ = setting(batch=3)
    done = prior.encode(problem.operator.pinv(problem.y))  # explained, up to the decoder's range
    transition = solvers.resample(prior, steps=4).sampler.transition
    z = transition.in_latents(STATE, problem)
    assert torch.allclose(
        problem.rms_residual(prior.decode(z)), torch.tensor(0.3).double(), atol=0.01
    )
    again = transition.in_latents(z, problem)
    assert torch.equal(again, z)  # it is explained: nothing is left to do
    mixed = torch.cat([z[:1], STATE[1:]])
    assert torch.equal(transition.in_latents(mixed, problem)[:1], z[:1])
    x = prior.decode(transition.in_pixels(done, problem))
    assert torch.isfinite(x).all()


def test_resample_acts_every_so_often_and_explains_the_data_at_the_end():
    prior, problem, _, _, _ = setting(batch=2, sigma=0.1)
    sampler = solvers.resample(prior, steps=12, every=3, pixel_iterations=200)
    iterates = list(sampler.iterate(problem, Rng64([0, 1])))
    assert iterates[-1].memory.memory == 12
    assert (problem.rms_residual(iterates[-1].x0) < 0.105).all()
    plain = solvers.resample(prior, steps=12, every=13)
    drawn = list(plain.iterate(problem, Rng64([0, 1])))
    same = [torch.equal(i.x, j.x) for i, j in zip(iterates, drawn, strict=True)]
    schedule = Discrete.scaled_linear()
    levels = sampler.sampler.grid()
    first = next(k for k in (3, 6, 9) if schedule.time(levels[k - 1].nsr) < 666)
    assert all(same[: first - 1]) and not any(same[first - 1 :])


# --- ours ------------------------------------------------------------------------------------
def test_nested_on_latents_is_nested_where_images_are_their_own_latents():
    problem, _ = dense_problem(batch=2)
    numbers = {
        "outer_steps": 3,
        "inner_most": 2,
        "outer_start": 0.6,
        "inner_most_from": 0.3,
        "outer_end": 0.1,
    }
    numbers |= {"inner_end": 0.06, "lam": 0.72}
    ours = final(solvers.nested_latent(gaussian_prior(), **numbers), problem, Rng64([3, 4]))
    pixels = final(
        solvers.nested(gaussian_prior(), **numbers, equivariant=False), problem, Rng64([3, 4])
    )
    assert torch.allclose(ours, pixels, atol=1e-9)


def test_what_an_autoencoder_loses_is_not_fed_back():
    from inverse.steps import Lift, Prox

    p = prior("sd")
    z = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    x = p.decode(z)
    problem = measure(inpaint_random(PIXELS, keep=0.5), gaussian(0.0), x, Rng([0, 1]))
    level = Level(1.0, 0.5)
    plain, kept = (Lift(Prox(), p.autoencoder, keep)(z, level, problem, Rng([0, 1]))
                   for keep in (False, True))  # fmt: skip
    assert torch.allclose(kept, z, atol=1e-3)  # the data say what the image says already
    assert float((plain - z).norm() / z.norm()) > 0.5  # a random autoencoder keeps nothing


# --- every one on a network ------------------------------------------------------------------
SMALL = {
    "ldps": functools.partial(solvers.ldps, steps=4),
    "psld": functools.partial(solvers.psld, steps=4),
    "resample": functools.partial(
        solvers.resample, steps=5, every=2, pixel_iterations=3, latent_iterations=2
    ),
    "latino": functools.partial(solvers.latino, steps=3),
    "flowdps": functools.partial(solvers.flowdps, steps=3, rate=0.3),
    "flowchef": functools.partial(solvers.flowchef, steps=3, scale=5.0),
    "pnpflow": functools.partial(solvers.pnpflow, steps=3, draws=2),
    "nested-latent": functools.partial(solvers.nested_latent, outer_steps=2, inner_most=2),
    "daps": functools.partial(solvers.daps, steps=2, ode_steps=2, langevin=2),
    "sitcom": functools.partial(solvers.sitcom, steps=2, iterations=3),
    "reddiff": functools.partial(solvers.reddiff, steps=3),
}
KINDS = {"flowdps": "sd3", "flowchef": "sd3", "pnpflow": "sd3", "latino": "lcm"}


def ready(name):
    p = prior(KINDS.get(name, "sd"), 2.0)
    return decoded(SMALL[name](p), p)


def observed(count=3):
    x = torch.rand(count, *PIXELS, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return measure(inpaint_random(PIXELS, keep=0.5), gaussian(0.1), x, Rng(range(count)))


@pytest.mark.parametrize("name", SMALL)
def test_latent_batches_equal_their_samples_and_runs_resume(name):
    problem, sampler = observed(), ready(name)
    y, rng = problem.y.clone(), Rng([4, 0, 9])
    walk = sampler.iterate(problem, rng)
    middle = next(walk)
    state = rng.state()
    whole = list(walk)[-1]
    assert whole.x0.shape == (3, *PIXELS) and torch.isfinite(whole.x0).all()
    assert whole.x.shape[1:] == (4, 8, 8) and torch.equal(problem.y, y)
    rng.restore(state)
    assert torch.equal(list(sampler.iterate(problem, rng, middle))[-1].x0, whole.x0)
    alone = list(sampler.iterate(problem[1:2], Rng([0])))[-1].x0
    scale = float(whole.x0.abs().max())
    assert torch.allclose(whole.x0[1:2], alone, atol=2e-5 * max(scale, 1))


def test_solvers_of_linear_operators_refuse_a_decoder_that_bends():
    p = prior("sd")
    sampler = decoded(solvers.ddnm(p, steps=2), p)
    with pytest.raises(Unfit, match="on latents, needs a linear operator, got Chain"):
        list(sampler.iterate(observed(), Rng([0, 1, 2])))


def test_latent_samplers_are_planned_counted_and_moved_as_others():
    p = prior("sd")
    problem = observed(1)
    planned = plan(solvers.ldps(p, steps=50), Budget(nfe=4))
    assert isinstance(planned, Decoded) and isinstance(planned.sampler, Planned)
    result = solve(planned, problem, Rng([0]), Budget(nfe=4))
    assert (result.nfe, result.backward, result.finished) == (4, 4, True)
    nested = solvers.nested_latent(p, outer_steps=2, inner_least=2, inner_most=2)
    assert solve(nested, problem, Rng([0])).nfe == 4


def test_latents_of_larger_tiled_and_blurred_images():
    from inverse.priors import Tiled

    shape = (3, 48, 64)
    x = torch.rand(1, *shape)
    problem = measure(blur_gaussian(shape, size=5, std=1.0), gaussian(0.1), x, Rng([0]))
    tiled = Tiled(prior("sd"), tile=8)
    for make in (SMALL["nested-latent"], SMALL["ldps"]):
        assert final(make(tiled), problem, Rng([0])).shape == (1, *shape)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda p: solvers.psld(p, gamma=-1.0), "must not be negative"),
        (lambda p: solvers.flowdps(p, rate=-1.0), "rate >= 0"),
        (lambda p: solvers.flowchef(p, scale=-1.0), "must not be negative"),
        (lambda p: solvers.flowchef(p, shift=0.0), "shift must be positive"),
        (lambda p: solvers.pnpflow(p, rate=2.0), "0 < rate < 2"),
        (lambda p: solvers.resample(p, every=0), "every >= 1"),
        (lambda p: solvers.latino(p, delta=0.0), "delta must be positive"),
        (lambda p: solvers.ldps(p, steps=0), "at least 1"),
    ],
)
def test_wrong_numbers_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make(GaussianPrior(SHAPE, torch.zeros(DIM), torch.eye(DIM)))
