"""Planning: as many steps as a budget of time or network calls pays for."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import partial
from math import inf

from inverse.levels import CLEAN, Grid, Level, Path, Spread
from inverse.samplers import Decoded, Descent, Iterate, Sampler, State
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
        ValueError: when the grid travels back up (`repeats` above 1).
    """

    def __init__(self, process: Descent, budget: Budget) -> None:
        super().__init__()
        if not isinstance(process, Descent) or not isinstance(process.grid, Grid):
            raise TypeError(f"Planned: needs a process that walks a Grid, got {process!r}")
        if process.grid.repeats > 1:
            raise ValueError("Planned: a grid that travels back up cannot be planned")
        self.process, self.grid, self.budget = process, process.grid, budget

    @property
    def kind(self) -> str:
        """The process's own: each goes on from iterates of the other."""
        return self.process.kind

    def walk(self, problem: Problem, rng: Rng, at: Iterate | State | None) -> Iterator[Iterate]:
        first = self.process.path(at)
        path = Spread(self.grid, first.level, first.left)
        meter = Meter(samples=len(problem), device=self.budget.waits(problem.y.device))
        with meter.on(self.process):
            yield from self.process.descend(problem, rng, at, path, self._plan(meter, path.level))

    def _plan(self, meter: Meter, level: Level) -> Callable[[Path], Path]:
        """What lays out anew the path from `level`, after every step."""
        spent, used = 0.0, (0.0, 0.0)  # in units of the steps' own cost; in seconds and calls

        def anew(path: Path) -> Path:
            nonlocal level, spent, used
            cost, before = self.process.cost(level), used
            spent, used = spent + cost, (meter.seconds, meter.calls)
            paces = [
                max(now / spent, (now - then) / cost)
                for now, then in zip(used, before, strict=True)
            ]
            level = path.level
            left = self._left(used, paces, level, path.left) if path.left else 0
            return Spread(self.grid, level, left)

        return anew

    def _left(
        self, used: tuple[float, float], paces: list[float], level: Level, planned: int
    ) -> int:
        """How many steps from `level` the rest of the budget pays for.

        `paces`: seconds and calls per unit of cost, of the last step or in the mean.
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
        """What `steps` steps from `level` to clean cost; inf for more than there can be."""
        total = 0.0
        for left in range(steps, 0, -1):
            if level == CLEAN:
                return inf
            total += self.process.cost(level)
            level = self.grid.after(level, left)
        return total
