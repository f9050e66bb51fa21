"""The figure of the splitting study."""

from pathlib import Path


def plot(rows: list[dict], path: Path) -> None:
    """LPIPS and RMSE to the reference against seconds, a column per kind."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot, ticker

    names = list(dict.fromkeys(row["kind"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows if "rmse" in row))
    figure, axes = pyplot.subplots(
        2, len(names), figsize=(4 * len(names) + 1.5, 7), squeeze=False, layout="constrained"
    )
    for column, kind in zip(axes.T, names, strict=True):
        for axis, key in zip(column, ("rmse", "lpips"), strict=True):
            for i, name in enumerate(methods):
                own = [r for r in rows if (r["kind"], r["method"]) == (kind, name) and key in r]
                style = {"color": f"C{i % 10}", "linestyle": "-" if i < 10 else "--"}
                style |= {"lw": 2.5, "color": "black"} if name == "DDIM" else {}
                seconds, errors = [r["seconds"] for r in own], [r[key] for r in own]
                axis.plot(seconds, errors, marker=".", label=name, **style)
            axis.set(xscale="log", yscale="log", title=f"{kind}: {key}", xlabel="seconds")
            axis.xaxis.set_minor_formatter(ticker.NullFormatter())
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside right center")
    figure.savefig(path, dpi=80)
