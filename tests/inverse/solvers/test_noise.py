"""Solvers and the noise they are told of: one σ per sample, one per value, other laws."""

import pytest
import torch

from inverse import solvers
from inverse.denoise import natural
from inverse.solving import solve
from inverse.starts import wiener
from operators import (
    Gaussian,
    Laplace,
    Poisson,
    Problem,
    Rng,
    SaltAndPepper,
    Uniform,
    downsample,
    identity,
    inpaint_random,
    measure,
    walsh_hadamard,
)
from tests.inverse.solver_cases import SHAPE, tiny_prior, truths


@pytest.mark.parametrize("batch", [2, 3])
def test_wiener_with_one_sigma_per_sample(batch):
    sigmas = [0.1, 0.4, 0.8][:batch]
    problem = measure(downsample(SHAPE, 2), Gaussian(sigmas), truths(batch), Rng(range(batch)))
    whole = wiener(problem)
    for i, sigma in enumerate(sigmas):
        alone = Problem(problem.operator, Gaussian(sigma), problem.y[i : i + 1])
        assert torch.allclose(wiener(alone), whole[i : i + 1], atol=1e-4)


@pytest.mark.parametrize("operator", [identity(SHAPE), walsh_hadamard(SHAPE, ratio=1.0)])
def test_wiener_of_a_unitary_operator_is_exact(operator):
    sigmas = torch.tensor([0.1, 0.4])
    problem = measure(operator, Gaussian(sigmas), truths(2), Rng(range(2)))
    x = wiener(problem)
    lacking = natural(natural(operator.adjoint(problem.y) - x))  # S^2 (A^T y - x) = sigma^2 x
    assert torch.allclose(lacking, sigmas[:, None, None, None] ** 2 * x, atol=1e-5)


@pytest.mark.parametrize("solver", ["diffpir", "pigdm", "nested"])
def test_one_sigma_per_value_needs_whitening(solver):
    sigma = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(0)) + 0.1
    problem = measure(inpaint_random(SHAPE, 0.5), Gaussian(sigma), truths(2), Rng([0, 1]))
    size = {"outer_steps": 2, "inner_most": 2} if solver == "nested" else {"steps": 3}
    sampler = getattr(solvers, solver)(tiny_prior(), **size)
    with pytest.raises(ValueError, match=r"one sigma per value.*whitened\(\)"):
        solve(sampler, problem, Rng([0, 1]))
    result = solve(sampler, problem.whitened(), Rng([0, 1]))
    assert torch.isfinite(result.x0).all() and torch.isfinite(result.residual).all()


LAWS = [Laplace(0.05), Uniform(0.2), Poisson(100.0), Poisson(100.0, 0.05), SaltAndPepper(0.1, 0.02)]


@pytest.mark.parametrize("noise", LAWS, ids=repr)
def test_every_law_has_a_sigma_that_solvers_can_use(noise):
    problem = measure(inpaint_random(SHAPE, 0.5), noise, truths(2), Rng([0, 1]))
    for sampler in (
        solvers.dps(tiny_prior(), steps=3),
        solvers.nested(tiny_prior(), outer_steps=2),
    ):
        result = solve(sampler, problem, Rng([0, 1]))
        assert torch.isfinite(result.x0).all() and torch.isfinite(result.residual).all()
