"""The reliability figure of the calibration study."""

import json

import numpy as np

from benchmarks.record import RESULTS

MIXTURES = {
    "calibration_mcgdiff_20": "mixtures, 20 calls",
    "calibration_mcgdiff_100": "mixtures, 100 calls",
    "calibration_gaussian_100": "Gaussian, 100 calls",
}


def curves() -> dict[str, dict[str, tuple[list, list]]]:
    """{panel: {line: (nominal, share)}} of the result files at hand, means over sizes."""
    found = {}
    for name, title in MIXTURES.items():
        if (path := RESULTS / f"{name}.json").exists():
            record = json.loads(path.read_text())
            rows, levels = record["rows"], record["config"]["levels"]
            found[title] = {
                who: (levels, _mean([r["coverage"] for r in rows if r["method"] == who]))
                for who in dict.fromkeys(row["method"] for row in rows)
            }
    files = sorted(RESULTS.glob("calibration_kodak_*.json"))
    rows = [row for file in files for row in json.loads(file.read_text())["rows"]]
    for key in ("pixels", "blocks") if rows else ():
        found[f"Kodak, {key}"] = {
            f"{r['method']}, {r['task']}": (r["nominal"], r[key]) for r in rows
        }
    return found


def _mean(values: list[list[float]]) -> list[float]:
    return np.mean(values, 0).tolist()


def plot() -> None:
    """Share of the truth inside the samples' intervals against what it should be."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    panels = curves()
    figure, axes = pyplot.subplots(1, len(panels), figsize=(4 * len(panels), 4), squeeze=False)
    for axis, (title, lines) in zip(axes[0], panels.items(), strict=True):
        axis.plot([0, 1], [0, 1], color="grey", lw=0.8)
        for i, (name, (nominal, share)) in enumerate(lines.items()):
            style = {"color": "black"} if name == "exact" else {"color": f"C{i % 10}"}
            axis.plot(nominal, share, label=name, **style)
        axis.set(title=title, xlabel="nominal", aspect="equal", xlim=(0, 1), ylim=(0, 1))
        axis.legend(fontsize="x-small")
    axes[0][0].set_ylabel("share of the truth inside")
    figure.tight_layout()
    figure.savefig(RESULTS / "calibration.png", dpi=80)
