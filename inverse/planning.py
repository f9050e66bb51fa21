"""Planning: as many steps as a budget of time or network calls pays for."""

from collections.abc import Iterator
from itertools import count

import torch
from torch import Tensor

from inverse.grids import Grid
from inverse.levels import Level
from inverse.needs import Needs
from inverse.process import Descent, Iterate, Sampler
from inverse.solving import Budget, Meter
from operators import Problem, Rng


def plan(sampler: Sampler, budget: Budget) -> Sampler:
    """The sampler, planned for the budget where there is one and the sampler's walk can be."""
    if budget == Budget() or not isinstance(sampler, Descent):
        return sampler
    plain = isinstance(sampler.grid, Grid) and sampler.grid.repeats == 1
    return Planned(sampler, budget) if plain else sampler


class Planned(Sampler):
    """A walk whose number of steps follows from a budget and is planned anew after every step.

    Once a step is done it is known what one costs: the levels still to walk are spread over as
    many steps as the rest of the budget pays for. So a small budget ends with a finished walk of
    few steps instead of a long one cut off, a large one is used up, and a machine that slows down
    gets a shorter plan. Of a nested process these are the outer steps: each of them is a viable
    restoration, and the first comes as soon as without a plan.

    Args:
        process: what walks; its grid's own count is the plan before the first cost is known.
        budget: the tighter of its limits counts; without any the process walks as it is.

    Raises:
        TypeError: when the process does not walk a `Grid`.
        ValueError: when the grid travels back up (``repeats`` above 1).
    """

    def __init__(self, process: Descent, budget: Budget) -> None:
        super().__init__()
        if not isinstance(process, Descent) or not isinstance(process.grid, Grid):
            raise TypeError(f"Planned: needs a process that walks a Grid, got {process!r}")
        if process.grid.repeats > 1:
            raise ValueError("Planned: a grid that travels back up cannot be planned")
        self.process, self.grid, self.budget = process, process.grid, budget

    @property
    def requires(self) -> Needs:
        return self.process.requires

    @torch.no_grad()
    def walk(
        self,
        problem: Problem,
        rng: Rng,
        x: Tensor | None,
        start: Level | None,
        resume: Iterate | None,
    ) -> Iterator[Iterate]:
        meter, process = Meter(samples=len(problem)), self.process
        a = self.grid(start)[0] if resume is None else resume.level
        x, memory, done = process.enter(problem, rng, x, a, resume)
        left = max(1, (self.grid.steps if resume is None else resume.steps) - done)
        with meter.on(process):
            for step in count(1):
                b = self.grid.after(a, left)
                x, x0, memory = process.step(x, a, b, memory, problem, rng)
                left = self._left(meter, step, left - 1) if b.sigma > 0 else 0
                yield Iterate(done + step, done + step + left, b, x, x0, memory)
                if left == 0:
                    return
                a = b

    def _left(self, meter: Meter, done: int, planned: int) -> int:
        """How many steps the rest of the budget pays for, at the mean cost of those done."""
        limits = (self.budget.seconds, meter.seconds), (self.budget.nfe, meter.forward)
        paid = [(all_ - spent) / (spent / done) for all_, spent in limits if all_ and spent]
        return max(0, int(min(paid))) if paid else planned
