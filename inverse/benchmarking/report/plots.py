"""The plots of a report: quality against time, and quality on the way."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from inverse.benchmarking.report.tables import Metric
from inverse.benchmarking.report.tasks import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "inverse",
    "font.size": 9,
    "axes.grid": True,
}
STYLE |= {"grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False}


def pareto(task: Task) -> "Figure":
    """Mean quality against seconds per sample, with intervals; the line joins the undominated."""
    from matplotlib.ticker import LogLocator, NullFormatter

    figure, axes = _axes(task)
    board = task.leaderboard()
    for axis, metric in zip(axes, task.headlines, strict=True):
        points = []
        for k, (method, cells) in enumerate(board.items()):
            x, y = cells["seconds"].mean, cells[metric.column]
            bars = np.nan_to_num([[y.mean - y.low], [y.high - y.mean]])
            axis.errorbar(x, y.mean, bars, fmt="o", color=f"C{k % 10}", capsize=2, label=method)
            points.append((x, y.mean))
        axis.plot(*_frontier(points, metric.better).T, color="0.6", zorder=0, lw=1)
        axis.set(xscale="log", xlabel="seconds per sample", ylabel=metric.title)
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
    return _legend(figure, axes[0])


def _frontier(points: list[tuple[float, float]], better: int) -> np.ndarray:
    """Those points that no faster one beats, by time."""
    kept: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -better * point[1])):
        if not kept or better * y > better * kept[-1][1]:
            kept.append((x, y))
    return np.array(kept)


def anytime(task: Task) -> "Figure":
    """Mean quality of the estimate against network calls, from the first step to the last."""
    figure, axes = _axes(task)
    for axis, metric in zip(axes, task.headlines, strict=True):
        for k, method in enumerate(task.leaderboard()):
            calls, values = _curve(task, method, metric)
            axis.plot(calls, values, "o-", ms=3, color=f"C{k % 10}", label=method)
        axis.set(xlabel="network calls", ylabel=metric.title)
    return _legend(figure, axes[0])


def _curve(task: Task, method: str, metric: Metric) -> tuple[list[int], list[float]]:
    """The mean over rows at every number of calls that all of them have; the last is the result."""
    found: dict[int, list[float]] = {}
    rows = task.rows[task.rows["method"] == method]
    name = f"curve_{metric.column}"
    for _, row in rows.iterrows():
        points = {row["nfe"]: row[metric.column]}
        if isinstance(row[name], (list, np.ndarray)):
            points = dict(zip(row["curve_nfe"], row[name], strict=True)) | points
        for calls, value in points.items():
            found.setdefault(int(calls), []).append(float(value))
    whole = {calls: v for calls, v in sorted(found.items()) if len(v) == len(rows)}
    return list(whole), [float(np.mean(v)) for v in whole.values()]


def _axes(task: Task) -> tuple["Figure", list["Axes"]]:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        count = len(task.headlines)
        figure = Figure(figsize=(3.6 * count, 3.2), layout="constrained")
        return figure, list(figure.subplots(1, count, squeeze=False)[0])


def _legend(figure: "Figure", axis: "Axes") -> "Figure":
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def svg(figure: "Figure") -> str:
    """The figure as an <svg> element; the same figure gives the same text."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
