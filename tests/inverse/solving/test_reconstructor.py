"""Our samplers as deepinv's reconstruction models: the same restoration, in their range."""

import pytest
import torch

from inverse import solvers
from inverse.priors import GaussianPrior
from inverse.solving import as_reconstructor, solve
from operators import Problem, Rng, gaussian, inpaint_random, interop

deepinv = pytest.importorskip("deepinv", reason="deepinv is not installed")
SHAPE = (3, 8, 8)
PRIOR = GaussianPrior(SHAPE, torch.full((192,), 0.2), 0.1 * torch.eye(192))
SAMPLER = solvers.nested(PRIOR, outer_steps=2, inner_most=1)


def measured(operator) -> tuple[torch.Tensor, torch.Tensor]:
    """Images in [0, 1] and their measurement with noise 0.05 of that range."""
    x = 0.5 + 0.1 * Rng([0, 1]).normal((2, *SHAPE))
    y = operator(x)
    return x, y + 0.05 * Rng([2, 3]).normal(y.shape)


def test_it_is_the_sampler_in_deepinvs_range():
    operator = inpaint_random(SHAPE, keep=0.5)
    physics = interop.as_deepinv(operator)
    physics.set_noise_model(deepinv.physics.GaussianNoise(0.05))
    _, y = measured(operator)
    found = as_reconstructor(SAMPLER, seed=7)(y, physics)
    shifted = 2 * y - operator(torch.ones(1, *SHAPE))
    ours = solve(SAMPLER, Problem(operator, gaussian(0.1), shifted), Rng([7, 8])).x0
    torch.testing.assert_close(found, ((ours + 1) / 2).clamp(0, 1), rtol=0, atol=1e-5)


def test_it_takes_deepinvs_own_physics():
    physics = deepinv.physics.Downsampling(
        (3, 8, 8), factor=2, filter="bicubic", padding="circular"
    )
    x, y = measured(physics)
    model = as_reconstructor(SAMPLER, sigma=0.05)
    found = model(y, physics)
    assert found.shape == x.shape
    assert isinstance(model, deepinv.models.Reconstructor)
    assert float((found - x).square().mean()) < float((x - 0.5).square().mean()) + 0.01
    assert torch.equal(found, model(y, physics))


def test_unknown_noise_is_asked_for():
    operator = inpaint_random(SHAPE, keep=0.5)
    _, y = measured(operator)
    with pytest.raises(ValueError, match="give sigma="):
        as_reconstructor(SAMPLER)(y, interop.as_deepinv(operator))


def test_physics_that_are_not_linear_are_refused():
    physics = deepinv.physics.Physics(A=lambda x, **_: x.square())
    with pytest.raises(TypeError, match="not linear"):
        as_reconstructor(SAMPLER, sigma=0.05)(torch.rand(1, *SHAPE), physics)
