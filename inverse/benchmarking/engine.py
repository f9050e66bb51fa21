"""The engine: units of work into stored rows, batch by batch, whatever fails."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

from torch import Tensor

from inverse.benchmarking.batching import Unreadable, batches
from inverse.benchmarking.columns import Row
from inverse.benchmarking.grid import Cell, Unit
from inverse.benchmarking.restoring import Failed, Restored, Restorer, error_text
from inverse.benchmarking.rows import KEEP, Writer
from inverse.benchmarking.scoring import Scorer
from inverse.benchmarking.store import Store
from inverse.restoring import simulated
from inverse.solving import Budget, ready
from operators import Problem


@dataclass
class Engine:
    """Runs units and appends their rows to a store.

    Attributes:
        scorer: the measures and their conventions. samples: per picture. budget: of each.
        batch: samples that are restored at once, at most. device: where.
        curve: how many estimates on the way are scored, at most. keep: of `KEEP`, what is saved.
    """

    store: Store
    scorer: Scorer
    samples: int = 1
    budget: Budget = Budget()
    batch: int = 8
    device: str = "cpu"
    curve: int = 12
    keep: Sequence[str] = KEEP
    _last: tuple[str, Restorer] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("samples", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        self.writer = Writer(self.store, self.scorer, self.device, self.keep)

    @property
    def workers(self) -> int:
        """None beside this process."""
        return 0

    @property
    def states(self) -> dict[int, str]:
        """What each worker does, by its number."""
        return {}

    @property
    def pictures(self) -> int:
        """How many are restored at once, at most."""
        return max(1, self.batch // self.samples)

    def run(self, units: Iterable[Unit]) -> Iterator[list[Row]]:
        """Yield the rows of every batch once they are stored; units of one cell stand together."""
        self.scorer.to(self.device)
        for cell, own in groupby(units, lambda unit: unit.cell):
            for rows in self._cell(cell, list(own)):
                self.store.append(rows)
                yield rows

    def give_up(self, unit: Unit, error: str) -> list[Row]:
        """Store and return the row of a unit that cannot be done."""
        rows = [self.writer.failure(unit, error)]
        self.store.append(rows)
        return rows

    def _cell(self, cell: Cell, units: list[Unit]) -> Iterator[list[Row]]:
        try:
            restorer = self._restorer(cell)
        except Exception as error:
            yield [self.writer.failure(unit, error_text(error)) for unit in units]
            return
        for batch in batches(units, self.scorer.conventions.size, self.pictures):
            if isinstance(batch, Unreadable):
                yield [self.writer.failure(batch.unit, batch.error)]
                continue
            try:
                yield self._restore(restorer, batch.units, batch.images)
            except Exception as error:
                yield [self.writer.failure(unit, error_text(error)) for unit in batch.units]

    def _restorer(self, cell: Cell) -> Restorer:
        """The cell's, with what it has learnt of the memory where it is that of the last call."""
        if self._last is None or self._last[0] != cell.key:
            solver = partial(cell.solver.make, cell.seed)
            sampler = ready(solver, cell.prior.make(cell.seed), self.budget).to(self.device)
            self._last = cell.key, Restorer(sampler, self.budget, self.batch, self.curve)
        return self._last[1]

    def _restore(self, restorer: Restorer, units: list[Unit], images: Tensor) -> list[Row]:
        cell, names = units[0].cell, [unit.picture.name for unit in units]
        make, noise = partial(cell.operator.make, cell.seed), cell.noise.make(cell.seed)
        truth, case = simulated(make, noise, names, images, cell.seed)
        found = restorer(*case.samples(self.samples, self.device))
        rows: list[Row] = []
        for i, unit in enumerate(units):
            own = found[i * self.samples : (i + 1) * self.samples]
            rows += self._judge(unit, case.problem[i : i + 1], truth[i], own)
        return rows

    def _judge(
        self, unit: Unit, problem: Problem, truth: Tensor, found: list[Restored | Failed]
    ) -> list[Row]:
        done = [sample for sample in found if isinstance(sample, Restored)]
        for sample in found:
            if isinstance(sample, Failed):
                return [self.writer.failure(unit, sample.error)]
        try:
            return self.writer.rows(unit, problem, truth, done)
        except Exception as error:
            return [self.writer.failure(unit, error_text(error))]
