"""Grids: the walk of levels that a sampler takes, from a start down to clean."""

from collections.abc import Callable, Iterator, Sequence
from math import atan, log, tan

from inverse.levels.schedules import CLEAN, VE, VP, Level, Schedule

Walk = Callable[[Level | None], Sequence[Level]]
"""The levels to walk, down to clean, from a start or from one of its own: a `Grid`, a `Ladder`."""

SPACINGS = ("edm", "log", "time", "quad", "sqrt", "arctan")


class Grid:
    """A walk of levels down to clean, by one of several spacings.

    `grid(start)` is the walk `(start, ..., CLEAN)` of `steps` downward transitions.

    Args:
        steps: number of downward transitions (one denoiser call each in a one-step method).
        schedule: the path the levels lie on.
        start: noise-to-signal ratio of the first level when the caller names none.
        end: noise-to-signal ratio of the last noisy level; capped at half the start.
        spacing: `edm` (nsr^(1/7) uniform, Karras et al., 2022, eq. 5), `log` (log nsr
            uniform), `time` (uniform in the schedule's t), `quad` (uniform in sqrt t), `sqrt`
            (uniform in (T - t)^2, T the time of `start`: t = (1 - sqrt u) T), `arctan`
            (uniform in arctan(nsr / scale): of all levels those by which DDIM keeps most of the
            spread of images N(m, scale^2 I), `cos(angle / n)^n` of it in n steps).
        scale: standard deviation of images, for `arctan`.
        jump, repeats: time travel: at the last noisy level and at every `jump`-th above it walk
            back up `jump` levels, `repeats - 1` times, as far as there are so many.
            Reference: Lugmayr et al., 2022, arXiv:2201.09865, Alg. 1, turning as their code does.

    Raises:
        ValueError: for counts below one, levels that do not descend, an unknown spacing.
    """

    def __init__(
        self,
        steps: int,
        schedule: Schedule | None = None,
        *,
        start: float = 40.0,
        end: float = 0.01,
        spacing: str = "edm",
        scale: float = 0.5,
        jump: int = 1,
        repeats: int = 1,
    ) -> None:
        if not all(isinstance(n, int) and n >= 1 for n in (steps, jump, repeats)):
            raise ValueError(
                f"Grid: steps, jump and repeats must be whole numbers of at least 1, got "
                f"{steps!r}, {jump!r}, {repeats!r}"
            )
        if not 0 < end < start:
            raise ValueError(f"Grid: need 0 < end < start, got end={end}, start={start}")
        if spacing not in SPACINGS:
            raise ValueError(f"Grid: spacing must be one of {', '.join(SPACINGS)}, got {spacing!r}")
        self.steps, self.schedule = steps, schedule or VE()
        self.start, self.end, self.spacing, self.scale = start, end, spacing, scale
        self.jump, self.repeats = jump, repeats

    def __call__(self, start: Level | None = None) -> tuple[Level, ...]:
        first = start or self.schedule.at(self.start)
        if self.steps == 1:
            return (first, CLEAN)
        end = min(self.end, first.nsr / 2)
        inner = [self.between(first.nsr, end, i / (self.steps - 1)) for i in range(1, self.steps)]
        return tuple(self._travel([first, *inner, CLEAN]))

    def after(self, level: Level, left: int) -> Level:
        """The next level down from `level` when `left` steps are left, the last one to clean.

        From `end` on there is only one step left.
        """
        if left == 1 or level.nsr <= self.end * (1 + 1e-9):
            return CLEAN
        return self.between(level.nsr, self.end, 1 / (left - 1))

    def between(self, start: float, end: float, fraction: float) -> Level:
        """The level at a fraction of the way from nsr `start` to `end`, by this spacing."""
        time, at = self.schedule.time, self.schedule
        match self.spacing:
            case "edm":
                return at.at(_between(start ** (1 / 7), end ** (1 / 7), fraction) ** 7)
            case "log":
                return at.at(start * (end / start) ** fraction)
            case "time":
                return at(_between(time(start), time(end), fraction))
            case "quad":
                return at(_between(time(start) ** 0.5, time(end) ** 0.5, fraction) ** 2)
            case "arctan":
                angle = _between(atan(start / self.scale), atan(end / self.scale), fraction)
                return at.at(self.scale * tan(angle))
            case _:
                top = time(max(start, self.start))
                passed = _between((top - time(start)) ** 2, (top - time(end)) ** 2, fraction)
                return at(top - passed**0.5)

    def _travel(self, levels: list[Level]) -> Iterator[Level]:
        yield levels[0]
        for i, level in enumerate(levels[1:], 1):
            yield level
            left = self.steps - 1 - i  # levels below this one, without the clean one
            if left % self.jump == 0 and left >= 0 and i >= self.jump:
                for _ in range(self.repeats - 1):
                    yield from reversed(levels[i - self.jump : i])
                    yield from levels[i - self.jump + 1 : i + 1]


def vp_grid(steps: int, *, spacing: str = "time", jump: int = 1, repeats: int = 1) -> Grid:
    """The variance-preserving levels of DDPM's timesteps, from nsr 150 down to 0.01, then clean."""
    return Grid(steps, VP(), start=150.0, end=0.01, spacing=spacing, jump=jump, repeats=repeats)


class Passes:
    """One walk after another: `first`, down to clean, then `again` `count - 1` times.

    Raises:
        ValueError: for a count below 1.
    """

    def __init__(self, first: Walk, again: Walk, count: int) -> None:
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"Passes: count must be a whole number above 0, got {count!r}")
        self.first, self.again, self.count = first, again, count

    def __call__(self, start: Level | None = None) -> tuple[Level, ...]:
        return (*self.first(start), *(tuple(self.again(None)) * (self.count - 1)))


class Growing:
    """A log-spaced walk of levels, of more steps the lower it starts.

    `growing(start)` is a log-spaced walk to `end`, of more steps the lower it starts.

    `most` steps from level `bottom` and below, else `least` from `top` and above, and
    between them a power of the level: a nested walk that hurries at first.

    Raises:
        ValueError: unless `1 <= least <= most` and both levels are positive.
    """

    def __init__(self, least: int, most: int, *, top: float, bottom: float, end: float) -> None:
        if not 1 <= least <= most:
            raise ValueError(f"Growing: need 1 <= least <= most, got {least} and {most}")
        if min(bottom, top) <= 0:
            raise ValueError(f"Growing: levels must be positive, got {bottom} and {top}")
        self.least, self.most, self.top, self.bottom, self.end = least, most, top, bottom, end

    def steps(self, nsr: float) -> int:
        """How many steps a walk from `nsr` has."""
        if nsr <= self.bottom:
            return self.most
        share = log(self.top / nsr) / log(self.top / self.bottom) if nsr < self.top else 0.0
        return round(self.least * (self.most / self.least) ** share)

    def shrunk(self, factor: int) -> "Growing":
        """The walk of images of `1 / factor` of the side: as many steps from level / factor."""
        top, bottom = self.top / factor, self.bottom / factor
        return Growing(self.least, self.most, top=top, bottom=bottom, end=self.end)

    def __call__(self, start: Level | None = None) -> tuple[Level, ...]:
        first = start or Level(1.0, self.top)
        return Grid(self.steps(first.nsr), start=self.top, end=self.end, spacing="log")(first)


def _between(a: float, b: float, fraction: float) -> float:
    return a + (b - a) * fraction


class Ladder:
    """A walk of levels that fall by a constant factor and then stay.

    `ladder(start)` is the walk of `steps` levels `max(start decay^k, end)`, then CLEAN.

    Once it has come down it stays at `end`: the levels of a Gibbs sampler, which mixes there.

    Raises:
        ValueError: for no steps, or unless `0 < end <= start` and `0 < decay <= 1`.
    """

    def __init__(self, steps: int, *, start: float, decay: float, end: float) -> None:
        if not isinstance(steps, int) or steps < 1:
            raise ValueError(f"Ladder: steps must be a whole number of at least 1, got {steps!r}")
        if not (0 < end <= start and 0 < decay <= 1):
            raise ValueError(
                f"Ladder: need 0 < end <= start and 0 < decay <= 1, got {end=}, {start=}, {decay=}"
            )
        self.steps, self.start, self.decay, self.end = steps, start, decay, end

    def __call__(self, start: Level | None = None) -> tuple[Level, ...]:
        first = self.start if start is None else start.nsr
        nsrs = (max(first * self.decay**k, self.end) for k in range(self.steps))
        return (*(Level(1.0, nsr) for nsr in nsrs), CLEAN)
