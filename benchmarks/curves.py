"""Curves of quality against network calls: what they come to, and their picture."""

import math
from itertools import pairwise
from pathlib import Path


def summary(curve: list[dict], start: dict, nfe: int) -> dict:
    """What a curve of {nfe, psnr, lpips} comes to."""
    points = [(1, start["lpips"]), *((p["nfe"], p["lpips"]) for p in curve)]
    last = points[-1][1]
    ends = [*points, (max(nfe, points[-1][0]), last)]
    area = sum(value * math.log(n / m) for (m, value), (n, _) in pairwise(ends))
    better = [n for n, value in points[1:] if value < start["lpips"]]
    unsettled = [i for i, (_, value) in enumerate(points) if value > 1.1 * last]
    settled = points[unsettled[-1] + 1][0] if unsettled else points[0][0]
    return {
        "area": area / math.log(ends[-1][0]),
        "first": better[0] if better else None,
        "settled": settled,
        "psnr": curve[-1]["psnr"],
        "lpips": last,
    }


def means(rows: list[dict]) -> dict[str, dict]:
    """The summaries of every method, averaged over the tasks (over those that have the figure)."""

    def mean(name: str, key: str) -> float | None:
        values = [r[key] for r in rows if r["method"] == name and r[key] is not None]
        return sum(values) / len(values) if values else None

    names = dict.fromkeys(row["method"] for row in rows)
    keys = ("area", "first", "settled", "psnr", "lpips")
    return {name: {key: mean(name, key) for key in keys} for name in names}


def plot(rows: list[dict], path: Path) -> None:
    """LPIPS against calls, an axis per task."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    tasks = list(dict.fromkeys(row["task"] for row in rows))
    figure, axes = pyplot.subplots(1, len(tasks), figsize=(4 * len(tasks), 3.6), squeeze=False)
    for axis, task in zip(axes[0], tasks, strict=True):
        for row in rows:
            if row["task"] == task:
                calls = [1, *(p["nfe"] for p in row["curve"])]
                values = [row["start"]["lpips"], *(p["lpips"] for p in row["curve"])]
                axis.step(calls, values, where="post", label=row["method"])
        axis.set(title=task, xlabel="network calls", xscale="log")
    axes[0][0].set_ylabel("LPIPS")
    axes[0][-1].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def text(found: dict) -> str:
    """A summary on a line."""
    shown = ((key, "never" if value is None else f"{value:.3f}") for key, value in found.items())
    return " ".join(f"{key} {value}" for key, value in shown)
