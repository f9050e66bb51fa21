"""Coverage of intervals as the calibration study measures it, and cost at equal error."""

import math

import pytest
import torch

from benchmarks.posterior.intervals import LEVELS, intervals
from benchmarks.posterior.measures import project
from benchmarks.splitting import cost


def normal(count, dims, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(count, dims, generator=generator, dtype=torch.float64)


def gaussian_mass(level, scale):
    """Of the central interval at a level of N(0, scale^2) under N(0, 1)."""
    z = scale * math.sqrt(2) * torch.erfinv(torch.tensor(level, dtype=torch.float64))
    return float(torch.erf(z / math.sqrt(2)))


@pytest.mark.slow
def test_the_coverage_of_gaussians_of_another_width_is_the_closed_form():
    exact = project(normal(20000, 3, 1.0, 0))
    for scale in (0.5, 1.0, 2.0):
        found = intervals(normal(4000, 3, scale, 1), exact)
        want = torch.tensor([gaussian_mass(level, scale) for level in LEVELS])
        assert torch.allclose(found["coverage"], want.float(), atol=0.02)
        assert abs(float(found["width"]) - scale) < 0.05 * scale


@pytest.mark.slow
def test_too_wide_here_and_too_narrow_there_does_not_cancel_in_the_miss():
    exact = project(normal(20000, 2, 1.0, 0))
    lopsided = normal(4000, 2, 1.0, 1) * torch.tensor([0.1, 3.0])
    honest = intervals(normal(4000, 2, 1.0, 2), exact)["miss"]
    assert float(intervals(lopsided, exact)["miss"].mean()) > 5 * float(honest.mean())


def test_samples_that_are_not_finite_are_left_out():
    x, exact = normal(500, 2, 1.0, 0), project(normal(500, 2, 1.0, 1))
    with_holes = torch.cat([x, torch.full((3, 2), math.nan)])
    assert torch.equal(intervals(with_holes, exact)["coverage"], intervals(x, exact)["coverage"])


def test_the_cost_of_an_error_is_read_off_the_curve_in_logarithms():
    rows = [{"seconds": s, "rmse": 1 / s**2} for s in (1.0, 4.0, 16.0)]
    assert abs(cost(rows, "rmse", 1 / 25) - 5) < 1e-9
    assert cost(rows, "rmse", 2.0) == 1.0
    assert cost(rows, "rmse", 1e-6) is None
    assert cost([{"seconds": 1.0, "diverged": "NaN"}], "rmse", 1.0) is None
