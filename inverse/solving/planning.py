"""Planning: as many steps as a budget of time or network calls pays for."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import partial
from itertools import count
from math import inf

import torch
from torch import Tensor

from inverse.denoise import Needs
from inverse.levels import CLEAN, Grid, Level
from inverse.samplers import Decoded, Descent, Iterate, Sampler
from inverse.solving.metering import Budget, Meter
from operators import Problem, Rng

MANY = 32  # steps from which on a plan need not look at each of them


def plan(sampler: Sampler, budget: Budget) -> Sampler:
    """The sampler, planned for the budget where there is one and the sampler's walk can be."""
    if isinstance(sampler, Decoded):
        return Decoded(plan(sampler.sampler, budget), sampler.autoencoder, sampler.through)
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
        device, process = self.budget.waits(problem.y.device), self.process
        meter = Meter(samples=len(problem), device=device)
        a = self.grid(start)[0] if resume is None else resume.level
        x, memory, done = process.enter(problem, rng, x, a, resume)
        left = max(1, (self.grid.steps if resume is None else resume.steps) - done)
        spent, used = 0.0, (0.0, 0)  # in units of the steps' own cost; in seconds and calls
        with meter.on(process):
            for step in count(1):
                b, cost, before = self.grid.after(a, left), process.cost(a), used
                x, x0, memory = process.step(x, a, b, memory, problem, rng)
                spent, used = spent + cost, (meter.seconds, meter.forward)
                paces = [
                    max(now / spent, (now - then) / cost)
                    for now, then in zip(used, before, strict=True)
                ]
                left = self._left(used, paces, b, left - 1) if b.sigma > 0 else 0
                yield Iterate(done + step, done + step + left, b, x, x0, memory)
                if left == 0:
                    return
                a = b

    def _left(self, used: tuple[float, int], paces: list[float], level: Level, planned: int) -> int:
        """How many steps from ``level`` the rest of the budget pays for.

        ``paces``: seconds and calls per unit of cost, of the last step or in the mean.
        """
        limits = zip((self.budget.seconds, self.budget.nfe), used, paces, strict=True)
        paid = [(limit - now) / pace for limit, now, pace in limits if limit and pace]
        if not paid:
            return planned
        least = min(paid) * (1 + 1e-9)  # a budget that just suffices does
        mean = self._cost(level, MANY) / MANY
        if least > mean * MANY:  # what a step costs in the mean no longer depends on their number
            return int(least / mean)
        return bisect_right(range(1, MANY + 1), least, key=partial(self._cost, level))

    def _cost(self, level: Level, steps: int) -> float:
        """What ``steps`` steps from ``level`` to clean cost; inf for more than there can be."""
        total = 0.0
        for left in range(steps, 0, -1):
            if level == CLEAN:
                return inf
            total += self.process.cost(level)
            level = self.grid.after(level, left)
        return total
