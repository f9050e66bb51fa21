"""Rows into tables: which may be compared, and per task one line for each method."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from inverse.benchmarking.report.statistics import holm, interval, paired_p
from inverse.benchmarking.store import OK, Store

Frame = Any  # pandas', whose own annotations let nothing be done with them
Series = Any

CONVENTIONS = ("noise_range", "size", "rounding", "border", "ssim_window", "lpips")
ROW = ["dataset", "image", "operator", "noise", "solver", "prior", "seed", "sample"]


class Metric(NamedTuple):
    """A column: its title, and +1 where more is better, -1 where less is, 0 where neither."""

    column: str
    title: str
    better: int
    digits: int


METRICS = (
    Metric("psnr", "PSNR, dB", 1, 2),
    Metric("ssim", "SSIM", 1, 3),
    Metric("ms_ssim", "MS-SSIM", 1, 3),
    Metric("lpips_alex", "LPIPS (alex)", -1, 3),
    Metric("lpips_vgg", "LPIPS (vgg)", -1, 3),
    Metric("lpips_squeeze", "LPIPS (squeeze)", -1, 3),
    Metric("psnr_lost", "PSNR, lost pixels", 1, 2),
    Metric("psnr_kept", "PSNR, kept pixels", 1, 2),
    Metric("psnr_of_mean", "PSNR of the mean", 1, 2),
    Metric("crps", "CRPS", -1, 4),
    Metric("coverage", "Coverage", 0, 3),
    Metric("residual", "Residual, σ", 0, 2),
    Metric("nfe", "Calls", 0, 0),
    Metric("nfe_backward", "Backward", 0, 0),
    Metric("seconds", "Seconds", 0, 2),
)
HEADLINES = ("psnr", "lpips_alex", "lpips_vgg", "lpips_squeeze")  # tested; the last of them found


def read(folders: Sequence[str], where: str | None = None) -> Frame:
    """The rows of several benchmarks as one table, with the columns folder and method.

    Args:
        where: a condition in pandas' query language that rows must meet.

    Raises:
        ValueError: where rows were made under different conventions, or two rows of one name by
            different configurations: their averages would mix what is not alike.
    """
    import pandas

    frames = [Store(folder).read().assign(folder=folder) for folder in folders]
    frame: Frame = pandas.concat(frames, ignore_index=True).drop_duplicates(["unit", "sample"])
    if where:
        frame = frame.query(where)
        if frame.empty:
            raise ValueError(f"no row meets --where {where!r}")
    for name in CONVENTIONS:
        _refuse_mixed(frame, name)
    done: Frame = frame[frame["status"] == OK]
    twice = done[done.duplicated(ROW, keep=False)]
    if len(twice):
        row, configs = twice.iloc[0], twice.groupby("config").size()
        raise ValueError(
            f"rows of one name come from different configurations ({row['solver']} on "
            f"{row['operator']}; weights, samples or defaults changed): {_counts(configs)}; "
            f'leave some out, as in --where "config == {configs.index[0]!r}"'
        )
    several = frame["prior"].nunique() > 1
    method = frame["solver"] + " · " + frame["prior"] if several else frame["solver"]
    return frame.assign(method=method).reset_index(drop=True)


def _refuse_mixed(frame: Frame, name: str) -> None:
    counts = frame.groupby(name, dropna=False).size()
    if len(counts) > 1:
        first = counts.index.dropna()[0]
        told = f"{name} == {getattr(first, 'item', lambda: first)()!r}"
        raise ValueError(
            f"rows differ in {name}: {_counts(counts)}; they must not be averaged together: "
            f'choose, as in --where "{told}"'
        )


def _counts(counts: Series) -> str:
    return ", ".join(f"{value} ({count} rows)" for value, count in counts.items())


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
        have = [m for m in METRICS if m.column in self.rows and self.rows[m.column].notna().any()]
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
        return dict(sorted(board.items(), key=lambda item: -item[1]["psnr"].mean))

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
            yield rows.loc[rows["psnr"].idxmin()]


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
