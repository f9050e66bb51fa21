"""A progress bar for a running restoration; silent where nobody watches."""

import sys
from types import TracebackType
from typing import Self

from tqdm import tqdm

from inverse.samplers import Iterate
from inverse.solving import Budget, Meter
from operators import Problem


class ProgressBar:
    """Shows outer steps, network calls, the residual of the last estimate, and the time left."""

    def __init__(self, name: str, problem: Problem, budget: Budget, *, enabled: bool) -> None:
        self.problem, self.budget, self.step = problem, budget, 0
        hidden = not (enabled and sys.stderr.isatty())
        self.bar = tqdm(desc=name, total=None, disable=hidden, unit="step", file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
