"""How far a method's restorations are, as a set, from the truths: FID and KID of a task."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from inverse.benchmarking.report.tables import Frame
from inverse.benchmarking.report.tasks import Task
from inverse.images import load_image, to_unit
from inverse.metrics.sets import Features, fid, kid


class Distance(NamedTuple):
    """Of one method: both distances, and how many restorations and truths they compare."""

    method: str
    fid: float
    kid: float
    restorations: int
    truths: int


class Distances:
    """FID and KID over the pictures that benchmarks kept; a picture's features are taken once."""

    def __init__(self, features: Features) -> None:
        self.features, self._found = features, dict[Path, Tensor]()

    def of(self, task: Task) -> Iterator[Distance]:
        """Those of every method of which all restorations and truths were kept, two at least."""
        for method, rows in task.rows.groupby("method"):
            pictures, truths = _files(rows, "restoration"), sorted(set(_files(rows, "truth")))
            if len(pictures) == len(rows) and min(len(pictures), len(truths)) > 1:
                real, fake = self._taken(truths), self._taken(pictures)
                found = fid(real, fake), kid(real, fake)
                yield Distance(str(method), *found, len(fake), len(real))

    def _taken(self, files: Iterable[Path]) -> Tensor:
        import torch

        for file in files:
            if file not in self._found:
                levels = (to_unit(load_image(file)) * 255).round().byte()
                self._found[file] = self.features([levels])
        return torch.cat([self._found[file] for file in files])


def _files(rows: Frame, column: str) -> list[Path]:
    kept = rows[rows[column].notna()]
    return [Path(f) / name for f, name in zip(kept["folder"], kept[column], strict=True)]
