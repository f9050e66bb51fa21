"""One task's leaderboard: a line per method, on the rows that all of them have."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from inverse.benchmarking.report.statistics import holm, interval, paired_p
from inverse.benchmarking.report.tables import HEADLINES, METRICS, Frame, Metric, Series
from inverse.benchmarking.store import OK


class Figure(NamedTuple):
    """A mean over images, its interval, whether it is the best, and the p-value against that."""

    mean: float
    low: float
    high: float
    best: bool
    p: float | None


@dataclass(frozen=True)
class Task:
    """One dataset, operator and noise, and all that was run on it.

    Attributes:
        number: from 1. rows: that are done, of the images that every method did (those that did
            none aside). left_out: the other images.
    """

    number: int
    title: str
    rows: Frame
    left_out: int

    @property
    def images(self) -> int:
        return self.rows["image"].nunique()

    @property
    def metrics(self) -> list[Metric]:
        """Those that some row has; backward calls only where there were any."""
        have = [m for m in METRICS if self.rows[m.column].notna().any()]
        return [m for m in have if m.column != "nfe_backward" or self.rows[m.column].any()]

    @property
    def headlines(self) -> list[Metric]:
        """PSNR and one perceptual measure: what is tested and plotted."""
        found = [m for m in self.metrics if m.column in HEADLINES]
        return found[:2]

    def by_image(self, column: str) -> Frame:
        """Images × methods: the mean over seeds and samples."""
        return self.rows.pivot_table(column, "image", "method", "mean", sort=True)

    def leaderboard(self) -> dict[str, dict[str, Figure]]:
        """{method: {column: figure}}, the best PSNR first."""
        board: dict[str, dict[str, Figure]] = {}
        for metric in self.metrics:
            for method, figure in self._figures(metric):
                board.setdefault(method, {})[metric.column] = figure
        order = self.rows.groupby("method")["psnr"].mean().fillna(-math.inf)
        return dict(sorted(board.items(), key=lambda item: -order[item[0]]))

    def _figures(self, metric: Metric) -> Iterator[tuple[str, Figure]]:
        table = self.by_image(metric.column)
        means = table.mean()
        best = str((means * metric.better).idxmax()) if metric.better else None
        others = [str(name) for name in table if str(name) != best]
        p: dict[str, float] = {}
        if best is not None and metric in self.headlines:
            raw = [paired_p(table[name], table[best]) for name in others]
            p = dict(zip(others, holm(raw), strict=True))
        for name in map(str, table):
            bounds = interval(table[name])
            yield name, Figure(float(means[name]), *bounds, name == best, p.get(name))

    def worst(self) -> Iterator[Series]:
        """For each method the row of the lowest PSNR."""
        for _, rows in self.rows.groupby("method"):
            yield rows.loc[rows["psnr"].fillna(-math.inf).idxmin()]


def tasks(frame: Frame) -> list[Task]:
    """The tasks of a table, each on the images, seeds and samples that all its methods share."""
    found, several = [], frame["dataset"].nunique() > 1
    groups = frame.groupby(["dataset", "operator", "noise"])
    for number, ((dataset, operator, noise), rows) in enumerate(groups, 1):
        done = rows[rows["status"] == OK]
        keys = ["image", "seed", "sample"]
        table = done.pivot_table("psnr", keys, "method", "count")
        shared = table.index[table.notna().all(axis=1)]
        kept = done[done.set_index(keys).index.isin(shared)]
        title = f"{operator}, {noise}" + (f", {dataset}" if several else "")
        left_out = rows["image"].nunique() - kept["image"].nunique()
        found.append(Task(number, title, kept, left_out))
    return found


def text(value: float, digits: int) -> str:
    """A number for a table; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"
