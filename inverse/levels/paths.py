"""Paths: what is left of a walk, as a value that a sampler can hand out and go on from."""

from typing import NamedTuple

from inverse.levels.grids import Grid
from inverse.levels.schedules import CLEAN, Level


class Listed(NamedTuple):
    """The rest of a walk whose levels are known, `passed` steps of which are made."""

    levels: tuple[Level, ...]
    passed: int = 0

    @property
    def level(self) -> Level:
        """Where the walk stands."""
        return self.levels[self.passed]

    @property
    def left(self) -> int:
        """How many steps are to come."""
        return len(self.levels) - 1 - self.passed

    @property
    def ahead(self) -> "Listed":
        """The path after the next step."""
        return self._replace(passed=self.passed + 1)


class Spread(NamedTuple):
    """A walk from `level` to clean, `left` steps spread as the grid spaces its own."""

    grid: Grid
    level: Level
    left: int

    @property
    def ahead(self) -> "Spread":
        """The path after the next step."""
        level = self.grid.after(self.level, self.left)
        return Spread(self.grid, level, 0 if level == CLEAN else self.left - 1)


Path = Listed | Spread
