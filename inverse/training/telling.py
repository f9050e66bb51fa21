"""Measurements made of training patches, and what an informed network is told of them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from inverse.denoise import Cue
from operators import Noise, Operator, Problem, Rng, measure, seed_for

Task = Callable[[tuple[int, ...], int], Operator]
"""An operator for images (C, H, W), with the seed of what in it is random."""


def measured(
    task: Task, noise: Noise, x0: Tensor, seed: int, step: int, numbers: range
) -> tuple[Problem, Rng]:
    """A measurement of patches (B, C, H, W), those of the `numbers` in a step, and its streams.

    It depends on the seed, the step and the numbers alone.
    """
    operator = task(tuple(x0.shape[1:]), seed_for(seed, "operator", step) % 2**31).to(x0)
    rng = Rng([seed_for(seed, "step", step, k) for k in numbers], x0.device)
    return measure(operator, noise, x0, rng), rng


class Telling:
    """What an informed network is told of the patches of a step: it is trained on measurements.

    `telling(x0, step, numbers)` (B, channels, H, W) is read from what one of the tasks, in turn,
    measures of them.

    Args:
        told: what is read. seed: of operators and noise.

    Raises:
        ValueError: for no tasks. Unfit, when called: for operators of which nothing is read.
    """

    def __init__(self, told: Cue, tasks: Sequence[Task], noise: Noise, seed: int) -> None:
        if not tasks:
            raise ValueError("a network is informed of measurements: give operators=[...]")
        self.told, self.tasks, self.noise, self.seed = told, list(tasks), noise, seed

    @torch.no_grad()
    def __call__(self, x0: Tensor, step: int, numbers: range) -> Tensor:
        task = self.tasks[step % len(self.tasks)]
        return self.told.read(measured(task, self.noise, x0, self.seed, step, numbers)[0])
