"""The loop is lean: few tensor operations per network call, and none that waits for the device."""

import pytest

from benchmarks.speed import Count, Shrink
from inverse.denoise import Unfit
from operators import Rng
from tests.inverse.solver_cases import OPERATORS, SOLVERS, problem


def second_step(solver: str, operator: str) -> Count:
    """The operations of the second step of a solver."""
    walk = SOLVERS[solver](Shrink()).iterate(problem(operator), Rng([0, 1, 2]))
    if next(walk).steps == 1:
        pytest.skip(f"{solver} makes one step")
    with Count() as count:
        next(walk)
    return count


WAITS = {"sitcom": 2, "nested-coarse": 100, "dps-low-rank": 1}
"""One look per iteration but the last, as in SOLVERS: its early stop, which saves network calls.
What is measured of a small image spread out is solved by conjugate gradients where it has no closed
form; they look at their residual. A singular value decomposition looks whether it has converged."""


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_no_step_waits_for_the_device(solver, operator):
    try:
        assert second_step(solver, operator).waits <= WAITS.get(solver, 0)
    except Unfit as unfit:
        pytest.skip(str(unfit))


def test_an_inner_step_of_inpainting_takes_at_most_forty_operations():
    inner = 2  # as in SOLVERS
    assert len(second_step("nested", "inpaint").names) / inner <= 40
