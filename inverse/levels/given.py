"""A walk down levels that are given one by one."""

from collections.abc import Sequence

from inverse.levels.schedules import CLEAN, Level


class Levels:
    """A walk down the very levels that are given, then CLEAN.

    `levels(start)` is the walk down those of `nsrs` that are below `start`, from there.

    Raises:
        ValueError: for none, or unless they fall and are positive.
    """

    def __init__(self, nsrs: Sequence[float]) -> None:
        nsrs = [float(nsr) for nsr in nsrs]
        if not nsrs or sorted(set(nsrs), reverse=True) != nsrs or nsrs[-1] <= 0:
            raise ValueError(
                f"Levels: need noise-to-signal ratios that fall to above 0, got {nsrs}"
            )
        self.nsrs = nsrs

    def __call__(self, start: Level | None = None) -> tuple[Level, ...]:
        below = [Level(1.0, nsr) for nsr in self.nsrs if start is None or nsr < start.nsr]
        return (*([] if start is None else [start]), *below, CLEAN)
