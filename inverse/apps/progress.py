"""How far a restoration or a benchmark is: bars in a terminal, a line a minute in a log."""

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from inverse.samplers import Iterate
from inverse.solving import Budget, Meter
from operators import Problem

if TYPE_CHECKING:
    from inverse.benchmarking.columns import Row


class ProgressBar:
    """Shows outer steps, network calls, the residual of the last estimate, and the time left."""

    def __init__(self, name: str, problem: Problem, budget: Budget, *, enabled: bool) -> None:
        self.problem, self.budget, self.step = problem, budget, 0
        hidden = not (enabled and sys.stderr.isatty())
        self.bar = tqdm(desc=name, total=None, disable=hidden, unit="step", file=sys.stderr)

    def close(self) -> None:
        self.bar.close()

    def watch(self, meter: Meter, last: Iterate | None) -> None:
        """Called after every network call and every outer step."""
        if self.bar.disable:
            return
        shown: dict[str, object] = {"calls": meter.forward}
        if self.budget.seconds is not None:
            shown["left"] = f"{max(self.budget.seconds - meter.seconds, 0):.0f}s"
        if last is not None and last.step != self.step:
            self.step = last.step
            self.bar.total = last.steps
            self.bar.n = last.step
            self.residual = float(self.problem.relative_residual(last.x0)[0])
        if self.step:
            shown["residual"] = f"{self.residual:.2f}"
        self.bar.set_postfix(shown)


EVERY = 60.0  # seconds between two lines of a log
LINES = 16  # of workers, below the bar


class Watch:
    """Follows the rows of a benchmark as they come.

    Args:
        total: units of work. enabled: False says nothing until the summary. workers: how many are
            told of, one line each, in a terminal.
    """

    def __init__(self, total: int, *, enabled: bool, workers: int = 0) -> None:
        self.total, self.done, self.failed = total, 0, Counter[str]()
        self.began = self.reported = time.monotonic()
        terminal = sys.stderr.isatty()
        self.logs = enabled and not terminal
        rank = int(os.environ.get("LOCAL_RANK", 0))  # processes that share a terminal, a line each
        show: dict[str, Any] = {"disable": not (enabled and terminal), "file": sys.stderr}
        self.bar = tqdm(total=total, unit="unit", position=rank, **show)
        self.lines = [
            tqdm(bar_format="{desc}", position=1 + k, leave=False, **show)
            for k in range(min(workers, LINES))
        ]

    def close(self) -> None:
        for bar in [*self.lines, self.bar]:
            bar.close()

    def update(self, rows: Sequence["Row"], states: Mapping[int, str]) -> None:
        """Count the units of new rows. states: what each worker does."""
        count = len({row["unit"] for row in rows})
        self.done += count
        self.bar.update(count)
        self.failed.update(_mishap(row) for row in rows if row["status"] != "ok")
        if self.failed:
            self.bar.set_postfix(failed=self.failed.total(), refresh=False)
        for line, (number, state) in zip(self.lines, states.items(), strict=False):
            line.set_description_str(f"  worker {number}: {state}")
        if self.logs and time.monotonic() - self.reported >= EVERY:
            self.reported = time.monotonic()
            print(self.line(), file=sys.stderr, flush=True)

    def line(self) -> str:
        """Where the work stands, for a log."""
        left = (time.monotonic() - self.began) / max(self.done, 1) * (self.total - self.done)
        busy = f"{self.done}/{self.total} units, {self.failed.total()} failed"
        return f"{busy}, {tqdm.format_interval(left)} left"

    def summary(self, folder: Path) -> None:
        """Say what was done and what failed, the most frequent first."""
        failed = self.failed.total()
        print(
            f"{self.done - failed} done now, {failed} failed; look at them: inverse report {folder}"
        )
        for mishap, times in self.failed.most_common(10):
            print(f"  {times} x {mishap}", file=sys.stderr)


def _mishap(row: "Row") -> str:
    return f"{row['solver']} on {row['operator']}: {row['error']}"
