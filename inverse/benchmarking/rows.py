"""What a row says of a unit of work, and the pictures that are kept beside it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from inverse.benchmarking.columns import Kept, Row
from inverse.benchmarking.grid import Unit
from inverse.benchmarking.provenance import provenance
from inverse.benchmarking.restoring import Restored
from inverse.benchmarking.scoring import Scorer
from inverse.benchmarking.store import FAILED, OK, Store
from operators import Problem

KEEP = tuple(Kept.__annotations__)


@dataclass
class Writer:
    """Makes the rows of units, done or failed, and keeps their pictures in the store.

    Raises:
        ValueError: where `keep` names anything but `KEEP`.
    """

    store: Store
    scorer: Scorer
    device: str
    keep: Sequence[str] = KEEP

    def __post_init__(self) -> None:
        if unknown := set(self.keep) - set(KEEP):
            raise ValueError(f"keep must be of {', '.join(KEEP)}; got {', '.join(unknown)}")

    def rows(
        self, unit: Unit, problem: Problem, truth: Tensor, samples: list[Restored]
    ) -> list[Row]:
        """One row per sample. truth: (C, H, W) on the CPU, as is `problem`, of one image."""
        mask: Tensor | None = getattr(problem.operator, "mask", None)
        mask = None if mask is None else mask.to(self.device)
        scores = self.scorer(truth.to(self.device), samples, mask)
        shared = self._common(unit) | self._pictures(unit, problem, truth)
        shared |= {"status": OK, "height": truth.shape[1], "width": truth.shape[2]}
        rows: list[Row] = []
        for k, (sample, values) in enumerate(zip(samples, scores, strict=True)):
            row = shared | {"sample": k} | values | sample.costs
            if "restoration" in self.keep:
                name = f"{unit.key[:24]}-{k}"
                row["restoration"] = self.store.keep(name, sample.x0.cpu())
            rows.append(row)
        return rows

    def failure(self, unit: Unit, error: str) -> Row:
        """The row of a unit that failed."""
        return self._common(unit) | {"status": FAILED, "error": error, "sample": -1}

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
        where: Row = {"unit": unit.key, "dataset": picture.dataset, "image": picture.name}
        where |= {"image_sha256": picture.digest, "command": unit.command, "time": time.time()}
        return where | unit.cell.labels | self.scorer.columns() | provenance(self.device)
