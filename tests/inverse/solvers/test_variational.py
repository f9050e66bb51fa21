"""Solvers that optimise: Adam, RED-diff, SITCOM and MGPS, by hand and on exact posteriors."""

import pytest
import torch

from inverse import solvers
from inverse.levels import CLEAN, VP, Level
from inverse.priors import GaussianPrior
from inverse.samplers import State
from inverse.solvers._adam import adam
from inverse.solvers._mgps import bridge
from inverse.solvers._sitcom import InputFit
from operators import Inpaint, LinearOperator, Problem, gaussian
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem, gaussian_prior

PRIOR = gaussian_prior()
EYE = torch.eye(DIM).double()


def states(count: int = 3, seed: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((count, *SHAPE), generator=generator).double()


def jacobian(level: Level) -> torch.Tensor:
    """That of the Gaussian prior's denoiser, symmetric."""
    gain = level.alpha * PRIOR.values / (level.alpha**2 * PRIOR.values + level.sigma**2)
    return (PRIOR.vectors * gain) @ PRIOR.vectors.T


def first_step(gradient: torch.Tensor, rate: float) -> torch.Tensor:
    """Adam's first step: the sign of the gradient, but for eps."""
    return -rate * gradient / (gradient.abs() + 1e-8)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.9, 0.99)])
def test_adam_is_that_of_torch(betas):
    target = states(2)
    theirs = torch.zeros_like(target).requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=0.1, betas=betas)
    ours, moments = torch.zeros_like(target), None
    for _ in range(7):
        optimiser.zero_grad()
        ((theirs - target) ** 4).sum().backward()
        optimiser.step()
        step, moments = adam(4 * (ours - target) ** 3, moments, 0.1, betas)
        ours = ours + step
        assert torch.allclose(ours, theirs, atol=1e-12)


# --- RED-diff --------------------------------------------------------------------------------


def test_reddiff_steps_down_its_gradient():
    """The first step by hand, with the noise prediction written out as in the paper."""
    mask = torch.tensor([1, 0, 1, 1, 0, 1, 1, 0]).view(SHAPE).bool()
    operator = Inpaint(SHAPE, mask).to(torch.float64)
    given, mu = Problem(operator, gaussian(0.1), operator(states(seed=5))), states()
    sampler = solvers.reddiff(PRIOR, steps=5, rate=0.07, lam=0.3)
    a = sampler.grid()[0]
    noise = Rng64([1, 2, 3]).normal(mu.shape)
    x = a.alpha * mu + a.sigma * noise
    eps = (x - a.alpha * PRIOR.denoise(x, a)) / a.sigma
    gradient = 0.3 * a.nsr * (eps - noise) / DIM - operator.adjoint(given.residual(mu)) / 5
    first = next(iter(sampler.iterate(given, Rng64([1, 2, 3]), State(mu))))
    assert torch.allclose(first.x0, mu + first_step(gradient, 0.07), atol=1e-6)


def test_reddiff_is_an_image_that_explains_the_data_and_pleases_the_prior():
    given, matrix = dense_problem(sigma=0.05)
    far = torch.full((1, *SHAPE), 2.0).double()
    sampler = solvers.reddiff(PRIOR, steps=200, rate=0.03)
    iterates = list(sampler.iterate(given, Rng64([0]), State(far)))
    assert all(torch.equal(it.x, it.x0) and it.level == CLEAN for it in iterates)
    assert torch.equal(iterates[3].edited(far).x, far)
    last, mean = iterates[-1].x0, PRIOR.posterior(matrix, given.y, 0.05)[0]
    assert float(given.residual(last).norm()) < 0.05 * float(given.residual(far).norm())
    assert float((last.flatten(1) - mean).norm()) < 0.3 * float((far.flatten(1) - mean).norm())


# --- SITCOM ----------------------------------------------------------------------------------


def test_sitcom_fits_the_networks_input():
    """One step of Adam on w by hand, with the regulariser, from w = x."""
    given, matrix = dense_problem(sigma=0.01, batch=3)
    level, x = VP().at(2.0), states()
    rest = given.residual(PRIOR.denoise(x, level)).flatten(1)
    w = x + first_step((-2 * rest @ matrix @ jacobian(level)).view_as(x), 0.3)
    est = InputFit(PRIOR, 2, 0.3, lam=0.5)(x, level, given, Rng64(range(3)))
    assert torch.allclose(est.x0, PRIOR.denoise(w, level), atol=1e-6)
    assert torch.allclose(level.alpha * est.x0 + level.sigma * est.noise, x, atol=1e-12)
    free, held = (
        InputFit(PRIOR, 40, 0.05, lam)(x, level, given, Rng64(range(3))).x0 for lam in (0.0, 9.0)
    )
    begin = PRIOR.denoise(x, level)
    assert float((held - begin).norm()) < 0.9 * float((free - begin).norm())


def test_sitcom_stops_each_sample_at_its_noise_level():
    """Sample 0 is explained from the start, 1 after some steps, 2 never; 5 of 8 are measured."""
    mask = torch.tensor([1, 0, 1, 1, 0, 1, 1, 0]).view(SHAPE).bool()
    operator = Inpaint(SHAPE, mask).to(torch.float64)
    sigma = torch.tensor([20.0, 0.1, 0.0], dtype=torch.float64)
    given = Problem(operator, gaussian(sigma), operator(states(seed=5)))
    level, x = VP().at(0.5), states()

    def fit(iterations):
        return InputFit(PRIOR, iterations, 0.05, 0.0)(x, level, given, Rng64(range(3))).x0

    few, some, many = fit(2), fit(150), fit(300)
    assert torch.equal(many[0], PRIOR.denoise(x, level)[0])
    misfit = given.residual(many).square().flatten(1).sum(1)
    assert 0.1 * 5 * 0.1**2 < float(misfit[1]) < 5 * 0.1**2
    assert torch.equal(some[1], many[1]) and not torch.equal(few[1], many[1])
    assert not torch.equal(some[2], many[2])


def test_sitcom_ends_early_once_all_samples_are_explained():
    from inverse.solving import solve

    given, _ = dense_problem(sigma=50.0, batch=2)
    result = solve(solvers.sitcom(PRIOR, steps=3, iterations=9), given, Rng64([0, 1]))
    assert (result.nfe, result.backward) == (3, 0)


# --- MGPS ------------------------------------------------------------------------------------


def test_the_bridge_is_the_conditional_of_the_forward_process():
    """Against the joint Gaussian of the states at c < b < a given a clean image."""
    c, b, a = VP().at(0.3), VP().at(0.9), VP().at(2.0)
    times = torch.tensor([level.nsr**2 for level in (c, b, a)], dtype=torch.float64)
    scale = torch.tensor([level.alpha for level in (c, b, a)], dtype=torch.float64)
    cov = torch.minimum(times[:, None], times) * scale[:, None] * scale
    clean, ends = 0.7, torch.tensor([-0.4, 1.1], dtype=torch.float64)
    gain = torch.linalg.solve(cov[[0, 2]][:, [0, 2]], cov[[0, 2], 1])
    mean = scale[1] * clean + gain @ (ends - scale[[0, 2]] * clean)
    spread = (cov[1, 1] - gain @ cov[[0, 2], 1]).sqrt()
    got = bridge(ends[:1], c, ends[1:], a, b)
    assert float(got[0]) == pytest.approx(float(mean), abs=1e-12)
    assert got[1] == pytest.approx(float(spread), abs=1e-12)
    end, nothing = bridge(ends[:1], c, ends[1:], a, c)
    assert float(end) == pytest.approx(-0.4) and nothing == 0


def test_a_step_of_mgps_has_the_moments_of_the_converged_fit():
    """For a Gaussian prior the fit has a closed form; many gradients come near it."""
    count = 600
    given, matrix = dense_problem(sigma=0.5, batch=count)
    sampler = solvers.mgps(PRIOR, steps=4, rate=0.05, gradients=150)
    a, b = VP().at(1.5), VP().at(0.9)
    c = VP()(0.5 * VP().time(b.nsr))
    x = states(1)
    law = bridge(PRIOR.denoise(x, a), CLEAN, x, a, c)
    slope = matrix @ jacobian(c) / 0.5
    precision = slope.T @ slope + EYE / law[1] ** 2
    rest = (given.y[:1] - given.operator(PRIOR.denoise(law[0], c))).flatten() / 0.5
    mean = law[0].flatten() + torch.linalg.solve(precision, slope.T @ rest)
    middle = bridge(mean, c, x.flatten(), a, b)
    pull = bridge(torch.ones(1).double(), c, torch.zeros(1).double(), a, b)[0]
    variance = pull**2 / precision.diagonal() + middle[1] ** 2
    many = x.repeat(count, 1, 1, 1)
    got, _, _ = sampler.step(many, a, b, sampler.init_memory(), given, Rng64(range(count)))
    got = got.detach().flatten(1)
    assert float((got.mean(0) - middle[0]).norm() / variance.sum().sqrt()) < 0.1
    assert torch.allclose(got.var(0), variance, rtol=0.3)


class Dense(LinearOperator):
    """Multiplication by a matrix (m, d) of flat images (1, 1, d)."""

    def __init__(self, matrix: torch.Tensor) -> None:
        super().__init__((1, 1, matrix.shape[1]), (1, 1, matrix.shape[0]))
        self.constant("matrix", matrix)
        self.matrix: torch.Tensor

    def _forward(self, x):
        return x @ self.matrix.T


def coupled(dim: int, measured: int, count: int) -> tuple[GaussianPrior, torch.Tensor, Problem]:
    """The Gaussian test of the authors (there 100 and 50): a coupled prior, a dense operator."""
    generator = torch.Generator().manual_seed(135)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    rows = torch.nn.functional.normalize(normal(dim, dim), dim=1)
    cov = rows @ rows.T
    cov = cov + torch.linalg.eigvalsh(cov).mean() * torch.eye(dim)
    prior, matrix = GaussianPrior((1, 1, dim), normal(dim), cov), normal(measured, dim)
    truth = prior.mean + torch.linalg.cholesky(cov) @ normal(dim)
    y = (matrix @ truth + 0.1 * normal(measured)).expand(count, 1, 1, measured).contiguous()
    return prior, matrix, Problem(Dense(matrix).double(), gaussian(0.1), y)


def test_the_bias_of_mgps_on_a_gaussian_prior():
    """Measured: the mean off by 0.15 of the posterior's spread, 0.72 of its variance.

    Its Gaussian at the midpoint is diagonal, and few gradients fit it. The bounds leave a third.
    """
    prior, matrix, given = coupled(20, 10, 200)
    mean, cov = prior.posterior(matrix, given.y[:1].flatten(1), 0.1)
    sampler = solvers.mgps(prior, steps=50, rate=0.1, gradients=5)
    x = list(sampler.iterate(given, Rng64(range(200))))[-1].x0.flatten(1)
    error = float((x.mean(0) - mean[0]).norm() / cov.trace().sqrt())
    ratio = float(x.var(0).sum() / cov.trace())
    assert error < 0.2
    assert 0.55 < ratio < 0.95


@pytest.mark.parametrize("solver", ["daps", "mgps", "mmps", "sitcom", "tmpd"])
def test_one_sigma_per_value_needs_whitening(solver):
    mask = torch.tensor([1, 0, 1, 1, 0, 1, 1, 0]).view(SHAPE).bool()
    sigma = torch.linspace(0.1, 0.4, DIM).double().view(1, *SHAPE)
    operator = Inpaint(SHAPE, mask).to(torch.float64)
    given = Problem(operator, gaussian(sigma), operator(states()))
    kind = {"tau": None} if solver == "daps" else {}  # its published tau knows no sigma
    sampler = getattr(solvers, solver)(PRIOR, steps=3, **kind)
    with pytest.raises(ValueError, match=r"one sigma per value.*whitened\(\)"):
        next(sampler.iterate(given, Rng64(range(3))))
    last = list(sampler.iterate(given.whitened(), Rng64(range(3))))[-1].x0
    assert torch.isfinite(last).all()


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: solvers.reddiff(PRIOR, rate=0.0), "rate > 0"),
        (lambda: solvers.sitcom(PRIOR, iterations=0), "iterations >= 1"),
        (lambda: solvers.mgps(PRIOR, fraction=1.5), "fraction <= 1"),
        (lambda: solvers.mgps(PRIOR, burst=0), "burst"),
    ],
)
def test_bad_numbers_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()
