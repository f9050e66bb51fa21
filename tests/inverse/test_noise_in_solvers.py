"""Solvers and the noise they are told of."""

import pytest
import torch

from inverse.starts import wiener
from operators import Gaussian, Problem, Rng, downsample, measure
from tests.inverse.test_solvers import SHAPE, truths


@pytest.mark.parametrize("batch", [2, 3])
def test_wiener_with_one_sigma_per_sample(batch):
    sigmas = [0.1, 0.4, 0.8][:batch]
    problem = measure(downsample(SHAPE, 2), Gaussian(sigmas), truths(batch), Rng(range(batch)))
    whole = wiener(problem)
    for i, sigma in enumerate(sigmas):
        alone = Problem(problem.operator, Gaussian(sigma), problem.y[i : i + 1])
        assert torch.allclose(wiener(alone), whole[i : i + 1], atol=1e-4)
