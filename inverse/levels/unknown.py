"""Walks that begin where nothing is known yet."""

import math

from inverse.levels.grids import Grid
from inverse.levels.schedules import CLEAN, Level

UNKNOWN = Level(1.0, math.inf)
"""Noise without end: the level of a state that says nothing."""


class Unbounded(Grid):
    """A grid whose walk begins at `UNKNOWN`, from where a step leads to the grid's own start.

    `grid()` is `(UNKNOWN, start, ..., CLEAN)`, of `steps` downward transitions, of which the first
    is that to `start`; from any other level it walks as a `Grid` does.
    """

    def __call__(self, start: Level | None = None) -> tuple[Level, ...]:
        if start is not None and math.isfinite(start.nsr):
            return super().__call__(start)
        levels = [UNKNOWN]
        for left in range(self.steps, 0, -1):
            levels.append(self.after(levels[-1], left))
        return tuple(levels)

    def after(self, level: Level, left: int) -> Level:
        if math.isfinite(level.nsr):
            return super().after(level, left)
        return self.schedule.at(self.start) if left > 1 else CLEAN
