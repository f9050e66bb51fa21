"""Latent solvers where everything is linear: exact posteriors, steps by hand, recorded biases."""

import pytest
import torch

from inverse import solvers
from inverse.levels import Level
from inverse.priors import GaussianPrior
from inverse.priors.autoencoder import autoencoder_of
from inverse.samplers import Decoded, State, decoded
from operators import LinearOperator, gaussian, identity, measure
from tests.inverse.cases import DIM, SHAPE, Rng64
from tests.inverse.linear_latents import IMAGE, Latents, final, latents, setting


def errors(x, mean, cov):
    """Distance of the mean in posterior spreads, ratio of total variances, error of covariance."""
    spread, found = cov.diagonal().sum(), torch.cov(x.T)
    ratio = found.diagonal().sum() / spread
    return float((x.mean(0) - mean).norm() / spread.sqrt()), float(ratio), float(
        (found - cov).norm() / cov.norm())  # fmt: skip


# --- seeing through the decoder -------------------------------------------------------------
def test_through_a_linear_decoder_the_problem_stays_linear():
    prior, problem, matrix, _, _ = setting(batch=2, scale=1.7)
    seen = prior.autoencoder.through(problem)
    assert isinstance(seen.operator, LinearOperator) and seen.y is problem.y
    z = torch.randn(2, *SHAPE, dtype=torch.float64)
    assert torch.allclose(seen.residual(z), problem.residual(prior.autoencoder.decode(z)))
    v = torch.randn_like(problem.y)
    assert torch.allclose(seen.operator.adjoint(v).flatten(1), v.flatten(1) @ matrix)


def test_through_any_decoder_values_and_gradients_are_those_of_the_composition():
    from inverse.priors.autoencoder import Decoder

    prior, problem, _, _, _ = setting(batch=2)
    bend = Decoder(lambda z: prior.autoencoder.decode(z.tanh()), SHAPE, IMAGE, problem.y)
    seen = problem.through(bend)
    assert not isinstance(seen.operator, LinearOperator)
    z = torch.randn(2, *SHAPE, dtype=torch.float64, requires_grad=True)
    value = problem.operator(prior.autoencoder.decode(z.tanh()))
    assert torch.equal(seen.operator(z), value)
    v = torch.randn_like(value)
    assert torch.allclose(seen.operator.vjp(z.detach(), v), torch.autograd.grad(value, z, v)[0])
    with pytest.raises(ValueError, match="is not the left one's input"):
        problem.through(Decoder(lambda z: z, SHAPE, SHAPE, problem.y))


def test_a_pixel_prior_is_its_own_latents():
    plain = GaussianPrior(SHAPE, torch.zeros(DIM), torch.eye(DIM))
    sampler = solvers.dps(plain, steps=3)
    assert decoded(sampler, plain) is sampler
    problem = measure(identity(SHAPE), gaussian(0.1), torch.zeros(1, *SHAPE), Rng64([0]))
    assert autoencoder_of(plain).through(problem) is problem
    inner = Latents()
    once = decoded(solvers.dps(inner, steps=3), inner)
    assert isinstance(once, Decoded) and decoded(once, inner) is once


# --- what is exact ---------------------------------------------------------------------------
def test_any_sampler_that_is_exact_on_pixels_is_exact_on_latents():
    """PnP-DM's split Gibbs chain, run through the decoder: the posterior at coupling rho."""
    prior, problem, matrix, _, _ = setting()
    rho = 1.0
    sampler = decoded(
        solvers.pnpdm(prior, steps=12, rho=2.0, decay=0.8, floor=rho, inner=60), prior
    )
    blurred = (rho**2 * matrix @ matrix.T + 0.09 * torch.eye(4)).double()
    root = torch.linalg.cholesky(torch.linalg.inv(blurred)).T  # whitens the coupled noise
    y = problem.y[:1].flatten(1) @ root.T
    mean, cov = prior.gaussian.posterior(root @ matrix, y, 1.0)
    far, ratio, shape = errors(latents(prior, final(sampler, problem)), mean[0], cov)
    assert far < 0.06 and 0.93 < ratio < 1.07 and shape < 0.09


# --- LDPS and PSLD ---------------------------------------------------------------------------
def ldps_by_hand(prior, problem, matrix, z, a, b, zeta):
    """One step with eta = 0, in matrices: z0 and J of the Gaussian, the norm's gradient."""
    g = prior.gaussian
    gain = a.alpha * g.values / (a.alpha**2 * g.values + a.sigma**2)
    jacobian = (g.vectors * gain) @ g.vectors.T
    z0 = g.mean + (z.flatten(1) - a.alpha * g.mean) @ jacobian
    noise = (z.flatten(1) - a.alpha * z0) / a.sigma
    rest = problem.y.flatten(1) - z0 @ matrix.T
    slope = -(rest / rest.norm(dim=1, keepdim=True)) @ matrix @ jacobian
    return b.alpha * z0 + b.sigma * noise - zeta * slope, z0, jacobian, rest


@pytest.mark.parametrize("name", ["ldps", "psld"])
def test_a_step_equals_the_one_by_hand(name):
    prior, problem, matrix, _, _ = setting(batch=3, scale=1.3)
    make = {
        "ldps": lambda: solvers.ldps(prior, steps=4, zeta=0.7, eta=0.0),
        "psld": lambda: solvers.psld(prior, steps=4, omega=0.7, gamma=0.4, eta=0.0),
    }
    sampler = make[name]()
    a, b = sampler.sampler.grid()[:2]
    z = torch.randn(3, *SHAPE, dtype=torch.float64)
    iterate = next(sampler.iterate(problem, Rng64([0, 1, 2]), State(z)))
    expected, z0, jacobian, rest = ldps_by_hand(prior, problem, matrix, z, a, b, 0.7)
    if name == "psld":  # E(x') - z0 = E A^T (A A^T + s^2 I)^{-1} (y - A D z0), linear in z0
        q = prior.autoencoder.q
        dense = problem.operator(torch.eye(12).double().view(12, *IMAGE)).flatten(1).T
        inner = dense @ dense.T + 0.09 * torch.eye(4).double()
        pull = q.T @ dense.T @ torch.linalg.inv(inner) / 1.3
        apart = rest @ pull.T
        slope = -(apart / apart.norm(dim=1, keepdim=True)) @ pull @ matrix @ jacobian
        expected = expected - 0.4 * slope
    assert torch.allclose(iterate.x.flatten(1), expected, atol=1e-9)
    assert torch.allclose(iterate.x0, prior.autoencoder.decode(z0.view(-1, *SHAPE)))
    assert iterate.level == b and isinstance(b, Level)


def test_gluing_of_orthonormal_rows_is_the_published_paste():
    """Without noise and with A A^T = I: x' = A^T y + (I - A^T A) x, and E(x') - z0 as published."""
    from inverse.denoise import Evaluation
    from inverse.solvers._psld import Glue
    from operators import inpaint_random

    operator = inpaint_random(IMAGE, keep=0.5, seed=2).to(torch.float64)
    prior, problem, _, _, _ = setting(batch=2, sigma=0.0, operator=operator)
    level, z = Level(0.8, 0.6), torch.randn(2, *SHAPE, dtype=torch.float64)
    ev = Evaluation(prior, z, level, problem, Rng64([0, 1]), differentiable=True)
    move = Glue(prior.autoencoder, 0.0, 1.0)(ev, level, Level(1.0, 0.0), 1.0)

    def published(z0):
        x = prior.autoencoder.decode(z0)
        pasted = operator.adjoint(problem.y) + x - operator.adjoint(operator(x))
        return (prior.autoencoder.encode(pasted) - z0).flatten(1).norm(dim=1)

    assert torch.allclose(move, -ev.gradient(published), atol=1e-4)  # noise floor 1e-3, squared


@pytest.mark.parametrize("zeta", [0.03, 0.1, 1.0])
def test_the_biases_of_ldps_and_psld(zeta):
    """Neither samples the posterior: a nudge of fixed length is too weak or too strong.

    Recorded (100 steps): total variance over the exact one, and distance of the mean in spreads.
    """
    expected = {0.03: (1.06, 0.15), 0.1: (0.87, 0.13), 1.0: (1.50, 0.27)}[zeta]
    prior, problem, _, mean, cov = setting(batch=2000)
    both = solvers.ldps, {"zeta": zeta}, solvers.psld, {"omega": zeta, "gamma": zeta / 10}
    for make, weights in (both[:2], both[2:]):
        sampler = make(prior, steps=100, **weights)
        far, ratio, _ = errors(latents(prior, final(sampler, problem)), mean, cov)
        assert ratio == pytest.approx(expected[0], abs=0.06)
        assert far == pytest.approx(expected[1], abs=0.04)
