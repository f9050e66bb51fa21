"""The loop is lean: few tensor operations per network call, and none that waits for the device."""

import pytest
from torch.utils._python_dispatch import TorchDispatchMode

from inverse.denoise import Prior
from operators import Rng
from tests.inverse.test_solvers import OPERATORS, SOLVERS, problem

WAITS = ("_local_scalar_dense", "is_nonzero", "nonzero", "equal")


class Shrink(Prior):
    """A prior of one operation."""

    def denoise(self, x, level):
        return x * 0.9


class Count(TorchDispatchMode):
    """The names of the tensor operations that ran."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.__name__.split(".")[0])
        return func(*args, **(kwargs or {}))


def operations(solver: str, operator: str) -> list[str]:
    """The operations of the second step of a solver."""
    walk = SOLVERS[solver](Shrink()).iterate(problem(operator), Rng([0, 1, 2]))
    next(walk)
    with Count() as count:
        next(walk)
    return count.names


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("solver", ["nested", "ddnm", "diffpir"])
def test_no_step_waits_for_the_device(solver, operator):
    assert not [name for name in operations(solver, operator) if name in WAITS]


def test_an_inner_step_of_inpainting_takes_at_most_forty_operations():
    inner = 2  # as in SOLVERS
    assert len(operations("nested", "inpaint")) / inner <= 40
