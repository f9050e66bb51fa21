"""Particle methods: weights and resampling, and the posteriors that they reach as N grows."""

from itertools import pairwise

import pytest
import torch

from inverse import solvers
from inverse.denoise import BACKWARD, LINEAR, SPECTRAL, estimate, explain
from inverse.levels import VP, Grid
from inverse.priors import GaussianPrior
from inverse.samplers import choose, draw, flat
from inverse.samplers.particles import Particles, Resampling
from inverse.solvers._fps_smc import Filtering
from inverse.solvers._mcgdiff import Pinned, Potential
from inverse.solvers._tds import Twisted
from inverse.solving import Budget, solve
from inverse.transitions import DDIM, Renoise
from operators import Problem, Rng, SpectralOperator, blur_gaussian, dense_gaussian, downsample
from operators import gaussian as noise
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem, gaussian_prior
from tests.inverse.solver_cases import SOLVERS, problem, tiny_prior

PRIOR = gaussian_prior()
PROBLEM, MATRIX = dense_problem()
EYE = torch.eye(DIM, dtype=torch.float64)
PARTICLE_SOLVERS = ("fps_smc", "tds", "mcgdiff")


def affine(proposal, a, b):
    """The prior's step from level ``a`` to ``b``: x -> M x + c, of standard deviation ``std``."""
    x = torch.cat([torch.zeros(1, DIM).double(), EYE]).view(-1, *SHAPE)
    out, std = proposal.step(estimate(x, PRIOR.denoise(x, a), a), a, b)
    c = out.flatten(1)[0]
    return (out.flatten(1)[1:] - c).T, c, std


def chain_posterior(proposal, grid):
    """The exact posterior when the prior is what the chain of steps makes of pure noise."""
    levels = grid()
    mean, cov = torch.zeros(DIM).double(), levels[0].sigma ** 2 * EYE
    for a, b in pairwise(levels):
        m, c, std = affine(proposal, a, b)
        mean, cov = m @ mean + c, m @ cov @ m.T + std**2 * EYE
    return GaussianPrior(SHAPE, mean, cov).posterior(MATRIX, PROBLEM.y, PROBLEM.sigma)


def kalman(proposal, grid, data):
    """The exact filter of the data (one per level) that a run made up."""
    levels = grid()
    mean, cov = torch.zeros(DIM).double(), levels[0].sigma ** 2 * EYE
    mean, cov = update(mean, cov, data[0], levels[0])
    for (a, b), y in zip(pairwise(levels), data[1:], strict=True):
        m, c, std = affine(proposal, a, b)
        mean, cov = m @ mean + c, m @ cov @ m.T + std**2 * EYE
        mean, cov = update(mean, cov, y, b)
    return mean, cov


def update(mean, cov, y, level, sigma=PROBLEM.sigma):
    given = GaussianPrior(SHAPE, mean, cov).posterior(MATRIX, y, level.alpha * sigma)
    return given[0][0], given[1]


def run(sampler, seed=3):
    """Weighted mean and covariance of the last particles, and the data noised on the way."""
    first = sampler.proposal.observe(None, PROBLEM, Rng64([seed]), None, sampler.grid()[0])
    iterates = list(sampler.iterate(PROBLEM, Rng64([seed])))
    particles, weights = sampler.weighted(iterates[-1])
    x, w = particles[0].flatten(1), weights[0]
    mean = w @ x
    cov = ((x - mean) * w[:, None]).T @ (x - mean)
    return (mean, cov), [first, *(iterate.memory.data for iterate in iterates)]


def moments(proposal, count):
    return run(Particles(PRIOR, proposal, GRID, count))[0]


def off(found, want):
    """Distances of the mean, in posterior standard deviations, and of the covariance, relative."""
    spread = want[1].diagonal().sum().sqrt()
    return (
        float((found[0] - want[0].flatten()).norm() / spread),
        float((found[1] - want[1]).norm() / want[1].norm()),
    )


GRID = Grid(100, VP(), start=40.0, end=0.01, spacing="time")


def test_twisted_particles_sample_the_posterior_of_the_chain():
    proposal = Twisted(DDIM(1.0))
    exact = chain_posterior(proposal, GRID)
    few, many = (off(moments(proposal, count), exact) for count in (30, 6000))
    assert few[1] > 0.3
    assert many[0] < 0.1 and many[1] < 0.15


def test_pinned_particles_sample_the_posterior():
    truth = PRIOR.posterior(MATRIX, PROBLEM.y, PROBLEM.sigma)
    few, many = (off(moments(Pinned(DDIM(1.0)), count), truth) for count in (30, 6000))
    assert few[1] > 0.3
    assert many[0] < 0.1 and many[1] < 0.15


@pytest.mark.parametrize("kernel", [DDIM(1.0), Renoise(0.95)], ids=["ddim", "renoise"])
def test_filtering_particles_are_the_kalman_filter(kernel):
    found = []
    for count in (30, 6000):
        proposal = Filtering(kernel)
        got, data = run(Particles(PRIOR, proposal, GRID, count))
        found.append(off(got, kalman(proposal, GRID, data)))
    assert found[0][1] > 0.3
    assert found[1][0] < 0.1 and found[1][1] < 0.15


def test_evidence_matches_the_dense_density():
    """Up to a constant, also where the data's variance is tiny and the dense form loses digits."""
    mean = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(1)).double()
    y = PROBLEM.y.expand(5, -1)
    for variance, tol in ((0.09, 1e-9), (1e-8, 1e-6)):
        found = explain(PROBLEM.operator, mean, y, variance, 0.7)[1]
        cover = 0.7 * MATRIX @ MATRIX.T + variance * torch.eye(4).double()
        rest = y - mean.flatten(1) @ MATRIX.T
        want = -0.5 * (rest * torch.linalg.solve(cover, rest.T).T).sum(1)
        assert torch.allclose(found, want, rtol=tol)
    each = explain(PROBLEM.operator, mean, y, torch.linspace(0.1, 0.5, 5).double(), 0.7)[1]
    alone = explain(PROBLEM.operator, mean[2:3], y[2:3], 0.3, 0.7)[1]
    assert torch.allclose(each[2:3], alone)


@pytest.mark.parametrize(
    "operator",
    [blur_gaussian((2, 5, 4), size=3, std=0.8), downsample((2, 4, 4), 2), dense_gaussian(SHAPE, 4)],
    ids=["blur", "downsample", "dense"],
)
def test_potentials_match_dense_algebra(operator):
    """Complex and thin spectra alike: log-integral and draw against the image-space Gaussian."""
    operator = operator.double()
    assert isinstance(operator, SpectralOperator)
    n = torch.Size(operator.in_shape).numel()
    eye = torch.eye(n, dtype=torch.float64).view(n, *operator.in_shape)
    target = operator.vt(torch.randn(1, *operator.in_shape, generator=_generator()).double())
    variance = (0.2 + operator.s2).expand_as(target.real)
    active = (operator.s > operator.s.median()).to(variance).expand_as(variance)
    g = Potential(operator, target, variance, active)
    x = torch.randn(3, *operator.in_shape, generator=_generator()).double()
    precision = operator.v(active / variance * operator.vt(eye)).flatten(1)
    linear = operator.v(active / variance * target).flatten()
    inside = torch.linalg.inv(precision + torch.eye(n) / 0.7**2)
    want_mean = (x.flatten(1) / 0.7**2 + linear) @ inside
    zero = torch.zeros_like(x)
    assert torch.allclose(g.draw(x, 0.7, zero).flatten(1), want_mean, atol=1e-9)
    factor = (g.draw(zero[:1].expand_as(eye), 0.7, eye) - g.draw(zero[:1], 0.7, zero[:1])).flatten(
        1
    )
    assert torch.allclose(factor.T @ factor, inside, atol=1e-9)
    scale = operator.v((active / (variance + 0.7**2)).sqrt() * (operator.vt(x) - target))
    assert torch.allclose(g.log(x, 0.7), -0.5 * scale.flatten(1).square().sum(1))
    step = g.log(x, 0.7) - g.log(zero, 0.7)
    full = torch.linalg.inv(torch.linalg.pinv(precision, hermitian=True) + 0.7**2 * torch.eye(n))
    onto = precision @ torch.linalg.pinv(precision, hermitian=True)
    centre = torch.linalg.pinv(precision, hermitian=True) @ linear
    q = [(r @ onto @ full @ onto @ r) for r in x.flatten(1) - centre]
    r0 = -centre
    assert torch.allclose(step, -0.5 * (torch.stack(q) - r0 @ onto @ full @ onto @ r0), atol=1e-8)


def _generator():
    return torch.Generator().manual_seed(4)


def test_systematic_resampling_copies_in_proportion():
    weights = torch.tensor([[0.5, 0.25, 0.25, 0.0], [0.05, 0.05, 0.1, 0.8]]).double()
    ancestors, rest = Resampling(1.0)(weights.log(), Rng([0, 1]))
    counts = torch.stack([torch.bincount(row, minlength=4) for row in ancestors])
    assert counts[0].tolist() == [2, 1, 1, 0]
    assert bool(((counts[1] - 4 * weights[1]).abs() < 1).all())
    assert torch.equal(rest, torch.zeros(2, 4).double())


@pytest.mark.parametrize("scheme", ["systematic", "multinomial"])
def test_resampling_is_unbiased(scheme):
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).double().expand(4000, 4)
    ancestors, _ = Resampling(1.0, scheme)(weights.log(), Rng(range(4000)))
    shares = torch.nn.functional.one_hot(ancestors, 4).double().mean((0, 1))
    assert torch.allclose(shares, weights[0], atol=0.015)


def test_groups_that_are_still_equal_are_left_alone():
    log_weights = torch.tensor([[0.0, 0.0, 0.0, 0.1], [0.0, 0.0, 0.0, 9.0]]).double()
    ancestors, rest = Resampling(0.5)(log_weights, Rng([0, 1]))
    assert ancestors[0].tolist() == [0, 1, 2, 3] and ancestors[1].tolist() == [3, 3, 3, 3]
    assert torch.allclose(rest[0], log_weights[0].log_softmax(0)) and not rest[1].any()
    assert flat(ancestors).tolist() == [0, 1, 2, 3, 7, 7, 7, 7]


def test_one_particle_is_drawn_by_weight():
    x = torch.arange(4.0).repeat(4000).view(-1, 1, 1, 1)
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).double()
    drawn = draw(x, weights.log().expand(4000, 4), Rng(range(4000))).flatten().long()
    assert torch.allclose(torch.bincount(drawn) / 4000, weights[0].float(), atol=0.03)
    lost = draw(torch.ones(4, 1, 1, 1), torch.tensor([[0.0, torch.nan], [0.0, 0.0]]), Rng([0, 1]))
    assert lost[0].isnan().all() and not lost[1].isnan().any()


def test_points_beyond_rounding_choose_the_last_particle():
    assert choose(torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0]])).tolist() == [[1]]


@pytest.mark.parametrize("solver", PARTICLE_SOLVERS)
def test_all_particles_are_there_on_request(solver):
    sampler = SOLVERS[solver](tiny_prior())
    *_, last = sampler.iterate(problem(), Rng([0, 1, 2]))
    particles, weights = sampler.weighted(last)
    assert particles.shape == (3, 3, *last.x0.shape[1:])
    assert torch.allclose(weights.sum(1), torch.ones(3).double())
    for own, drawn in zip(particles, last.x0, strict=True):
        assert any(torch.equal(one, drawn) for one in own)


@pytest.mark.parametrize("solver", PARTICLE_SOLVERS)
@pytest.mark.parametrize("operator", ["inpaint", "downsample", "sensing"])
def test_without_noise_every_particle_meets_the_data(solver, operator):
    given = problem(operator, 0.0)
    sampler = SOLVERS[solver](tiny_prior())
    *_, last = sampler.iterate(given, Rng([0, 1, 2]))
    particles, _ = sampler.weighted(last)
    assert float(given.repeat(3).residual(particles.flatten(0, 1)).abs().max()) < 1e-3


def test_the_filter_is_the_posterior_only_without_noise():
    """In closed form: it takes the one measurement noise for fresh in each y_b."""
    assert max(filter_error(1e-3)) < 0.03
    assert filter_error(0.3)[1] > 0.2


def filter_error(sigma):
    """How far the exact filter is from the posterior of its own chain, in 400 steps."""
    levels = Grid(400, VP(), start=40.0, end=0.01, spacing="time")()
    given = Problem(PROBLEM.operator, noise(sigma), PROBLEM.y)
    proposal, rng = Filtering(DDIM(1.0)), Rng64([5])
    law = prior = (torch.zeros(DIM).double(), levels[0].sigma ** 2 * EYE)
    data = proposal.observe(None, given, rng, None, levels[0])
    for a, b in pairwise(levels):
        m, c, std = affine(proposal, a, b)
        law, prior = (
            (m @ mean + c, m @ cov @ m.T + std**2 * EYE)
            for mean, cov in (update(*law, data, a, sigma), prior)
        )
        data = proposal.observe(data, given, rng, a, b)
    return off(*(update(*one, given.y, levels[-1], sigma) for one in (law, prior)))


def test_particles_count_as_network_calls():
    result = solve(solvers.tds(tiny_prior(), steps=4, particles=3), problem(), Rng([0, 1, 2]))
    assert (result.nfe, result.backward) == (12, 9)  # the step to clean is not guided
    sampler = solvers.fps_smc(tiny_prior(), steps=5, particles=3)
    assert solve(sampler, problem(), Rng([0, 1, 2]), Budget(nfe=8)).nfe == 6


def test_what_particles_require():
    def requires(solver):
        return SOLVERS[solver](tiny_prior()).requires

    assert requires("fps_smc") == {LINEAR}
    assert requires("tds") == {LINEAR, BACKWARD}
    assert requires("mcgdiff") == {SPECTRAL}


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Resampling(1.5), "threshold"),
        (lambda: Resampling(0.5, "residual"), "systematic, multinomial"),
        (lambda: Twisted(DDIM(0.0)), "must be stochastic"),
        (lambda: Pinned(DDIM(1.0), kappa=0.0), "kappa must be positive"),
        (lambda: solvers.tds(tiny_prior(), particles=0), "above 0"),
    ],
)
def test_wrong_settings_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()
