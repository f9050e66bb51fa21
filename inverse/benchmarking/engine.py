"""The engine: units of work into stored rows, batch by batch, whatever fails."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from torch import Tensor

from inverse.benchmarking.batching import Unreadable, batches
from inverse.benchmarking.grid import Cell, Unit
from inverse.benchmarking.provenance import provenance
from inverse.benchmarking.restoring import Failed, Restored, Restorer, describe
from inverse.benchmarking.scoring import Scorer
from inverse.benchmarking.store import FAILED, OK, Store
from inverse.planning import plan
from inverse.process import Sampler
from inverse.seeds import seed_for
from inverse.solving import Budget
from operators import Problem, Rng, measure

Row = dict[str, Any]
KEEP = ("truth", "measurement", "restoration")


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

    def __post_init__(self) -> None:
        for name in ("samples", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if unknown := set(self.keep) - set(KEEP):
            raise ValueError(f"keep must be of {', '.join(KEEP)}; got {', '.join(unknown)}")

    def run(self, units: Iterable[Unit]) -> Iterator[list[Row]]:
        """Yield the rows of every batch once they are stored; units of one cell stand together."""
        for cell, mine in groupby(units, lambda unit: unit.cell):
            for rows in self._cell(cell, list(mine)):
                self.store.append(rows)
                yield rows

    def _cell(self, cell: Cell, units: list[Unit]) -> Iterator[list[Row]]:
        try:
            sampler: Sampler = cell.solver.make(cell.seed, cell.prior.make(cell.seed))
            sampler = plan(sampler.to(self.device), self.budget)
            restorer = Restorer(sampler, self.budget, self.batch, self.curve)
        except Exception as error:
            yield [self._failure(unit, describe(error)) for unit in units]
            return
        factor, size = int(cell.operator.config.get("factor", 1)), self.scorer.conventions.size
        for batch in batches(units, size, factor, max(1, self.batch // self.samples)):
            if isinstance(batch, Unreadable):
                yield [self._failure(batch.unit, batch.error)]
                continue
            try:
                yield self._restore(restorer, batch.units, batch.truth)
            except Exception as error:
                yield [self._failure(unit, describe(error)) for unit in batch.units]

    def _restore(self, restorer: Restorer, units: list[Unit], truth: Tensor) -> list[Row]:
        cell, names = units[0].cell, [unit.picture.name for unit in units]
        operator = cell.operator.make(cell.seed, tuple(truth.shape[1:]))
        noise = cell.noise.make(cell.seed)
        rng = Rng([seed_for(cell.seed, name, "measurement") for name in names])
        problem = measure(operator, noise, truth, rng)
        seeds = [
            seed_for(cell.seed, name, "sample", k) for name in names for k in range(self.samples)
        ]
        found = restorer(problem.repeat(self.samples).to(self.device), seeds)
        rows: list[Row] = []
        for i, unit in enumerate(units):
            mine = found[i * self.samples : (i + 1) * self.samples]
            rows += self._judge(unit, problem[i : i + 1], truth[i], mine)
        return rows

    def _judge(
        self, unit: Unit, problem: Problem, truth: Tensor, found: list[Restored | Failed]
    ) -> list[Row]:
        done = [sample for sample in found if isinstance(sample, Restored)]
        for sample in found:
            if isinstance(sample, Failed):
                return [self._failure(unit, sample.error)]
        try:
            return self._rows(unit, problem, truth, done)
        except Exception as error:
            return [self._failure(unit, describe(error))]

    def _rows(
        self, unit: Unit, problem: Problem, truth: Tensor, samples: list[Restored]
    ) -> list[Row]:
        mask: Tensor | None = getattr(problem.operator, "mask", None)
        mask = None if mask is None else mask.to(self.device)
        scores = self.scorer(truth.to(self.device), samples, mask)
        shared = self._common(unit) | {"status": OK, "error": None, "height": truth.shape[1]}
        shared |= {"width": truth.shape[2]} | self._pictures(unit, problem, truth)
        rows = []
        for k, (sample, values) in enumerate(zip(samples, scores, strict=True)):
            row = shared | {"sample": k} | values | sample.costs
            if "restoration" in self.keep:
                name = f"{unit.key[:24]}-{k}"
                row["restoration"] = self.store.keep(name, sample.x0.cpu())
            rows.append(row)
        return rows

    def _pictures(self, unit: Unit, problem: Problem, truth: Tensor) -> Row:
        kept: Row = {}
        if "truth" in self.keep:
            size = "x".join(map(str, truth.shape[1:]))
            kept["truth"] = self.store.keep(f"{unit.picture.digest[:24]}-{size}", truth)
        if "measurement" in self.keep:
            seen = problem.operator.picture(problem.y)[0]
            seen = seen if seen.shape[0] in (1, 3) else seen.mean(0, keepdim=True)
            kept["measurement"] = self.store.keep(f"{unit.key[:24]}-y", seen)
        return kept

    def _common(self, unit: Unit) -> Row:
        picture = unit.picture
        where = {"unit": unit.key, "dataset": picture.dataset, "image": picture.name}
        made = provenance(self.device) | {"command": unit.command, "time": time.time()}
        return where | unit.cell.labels | self.scorer.columns() | made

    def _failure(self, unit: Unit, error: str) -> Row:
        return self._common(unit) | {"status": FAILED, "error": error, "sample": -1}
