"""Equal steps from one noisy level to another, for orders of convergence."""

import torch

from inverse.levels import Level
from inverse.samplers import Process, State
from tests.inverse.cases import DIM, SHAPE, Rng64, dense_problem, gaussian_prior

START, END = 2.0, 0.25
PRIOR = gaussian_prior()
PROBLEM, MATRIX = dense_problem()


class Walk:
    """A grid of equal steps in nsr that stops at a noisy level."""

    def __init__(self, steps: int, warp: float = 1.0) -> None:
        shares = [(i / steps) ** warp for i in range(steps + 1)]
        self.levels = tuple(Level(1.0, START + s * (END - START)) for s in shares)

    def __call__(self, start=None):
        return self.levels


def begin():
    return torch.linspace(-2, 3, DIM, dtype=torch.float64).view(1, *SHAPE)


def end_state(process: Process) -> torch.Tensor:
    return list(process.iterate(PROBLEM, Rng64([0]), State(begin())))[-1].x
