"""Torch's own switches: another default precision, no gradients, inference mode."""

import pytest
import torch

from inverse import solvers
from inverse.denoise import Unfit
from inverse.priors import EDMPrior
from inverse.solving import solve
from operators import Rng, gaussian, inpaint_random, measure
from tests.inverse.solver_cases import SHAPE, tiny_prior, truths


def given(dtype=torch.float32):
    operator = inpaint_random(SHAPE, keep=0.4).to(dtype)
    return measure(operator, gaussian(0.05), truths(2).to(dtype), Rng([0, 1]))


def test_a_float32_network_serves_a_float64_problem():
    made = solve(solvers.dps(tiny_prior(), steps=2), given(torch.float64), Rng([0, 1]))
    assert made.x0.dtype == torch.float64 and bool(made.x0.isfinite().all())


def test_a_prior_made_under_another_default_precision_is_the_same():
    torch.set_default_dtype(torch.float64)
    try:
        prior = EDMPrior({"channels": [16, 16], "layers": 1}).eval().requires_grad_(False)
        made = solve(solvers.dps(prior, steps=2), given(), Rng([0, 1]))
    finally:
        torch.set_default_dtype(torch.float32)
    assert made.x0.dtype == torch.float32
    assert {p.dtype for p in prior.parameters()} == {torch.float32}


def test_inference_mode_is_refused_by_solvers_that_need_a_gradient_and_by_no_other():
    with torch.inference_mode():
        problem = given()
        with pytest.raises(Unfit, match="inference_mode.*no_grad"):
            solve(solvers.dps(tiny_prior(), steps=2), problem, Rng([0, 1]))
        made = solve(solvers.nested(tiny_prior(), outer_steps=2), problem, Rng([0, 1]))
    assert bool(made.x0.isfinite().all())
