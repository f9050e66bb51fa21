"""Solvers beside exact posteriors: Gaussian mixtures and Gaussians, measured linearly.

python -m benchmarks.exact_posterior table [name=exact_posterior_mcgdiff_20]
python -m benchmarks.exact_posterior [protocol=mcgdiff] [steps=20] [d=8,80] [m=1,2,4]
    [instances=20] [samples=1000] [methods=ddnm,diffpir] [start=FLOAT] [end=FLOAT] [name=NAME]

Per solver and size: sliced 1-Wasserstein distance to as many exact draws and the total variation
of the mode weights (of the moments, for Gaussians the 2-Wasserstein distance), each with the half
width of a 95 % confidence interval over the instances; failures (samples that are not finite);
network calls and seconds per problem. ``floor`` is a second set of exact draws.

All solvers walk from the level ``start``, by default five times the radius of the data, which it
dwarfs, to ``end``, by default the finest of the paper's schedule. Methods and sizes can be run in
turns: rows of the same configuration and commit are kept.
"""

import json
import math
import os
import sys

import torch

from benchmarks.posterior import MEASURES, METHODS, PROTOCOLS, measure
from benchmarks.record import RESULTS, earlier, save


def show(row: dict) -> None:
    """A row of the table, on a line."""
    figures = [
        f"{key} {row[key]:7.3f} +- {row.get(f'{key}_ci', math.nan):.3f}"
        for key in MEASURES
        if key in row
    ]
    calls = f"{row.get('forward', 0):.0f}+{row.get('backward', 0):.0f} calls"
    cost = f"{calls}, {row.get('seconds', 0):.1f} s, {row['failures']} failures"
    who = f"d {row['d']:3d}, m {row['m']:2d}  {row['method']:20}"
    print(who, *figures, cost, sep="  ", flush=True)


def main(protocol: str = "mcgdiff", methods: str = "", name: str = "", **options: str) -> None:
    """Measure, print, and write results/exact_posterior_<protocol>_<steps>.json."""
    chosen = PROTOCOLS[protocol]
    sizes = [int(d) for d in options.pop("d", "").split(",") if d] or chosen.sizes
    counts = [int(m) for m in options.pop("m", "").split(",") if m] or chosen.measurements
    names = [part for part in methods.split(",") if part] or list(METHODS)
    instances = int(options.pop("instances", 20))
    defaults = {"steps": chosen.steps, "samples": 1000, "start": 0.0, "end": chosen.end}
    settings = {key: type(value)(options.pop(key, value)) for key, value in defaults.items()}
    if options:
        raise ValueError(f"exact_posterior: unknown options {', '.join(options)}")
    config = {"protocol": protocol, "paper": chosen.paper} | settings
    name = name or f"exact_posterior_{protocol}_{settings['steps']}"
    for d in sizes:
        for m in counts:
            rows = measure(protocol, d, m, names, instances, settings)
            save(name, config, earlier(name, config, rows, ("d", "m", "method")) + rows)
            for row in rows:
                show(row)


def table(name: str = "exact_posterior_mcgdiff_20") -> None:
    """Print the sliced distances of a result file as a Markdown table."""
    rows = json.loads((RESULTS / f"{name}.json").read_text())["rows"]
    sizes = list(dict.fromkeys((row["d"], row["m"]) for row in rows))
    cells = {(row["method"], row["d"], row["m"]): row for row in rows}
    print("| solver | calls |", " | ".join(f"{d}, {m}" for d, m in sizes), "|")
    print("|---" * (len(sizes) + 2) + "|")
    for name in sorted(dict.fromkeys(row["method"] for row in rows), key=_floor_first):
        found = [cells[(name, *size)] for size in sizes]
        calls = f"{found[0].get('forward', 0):.0f} + {found[0].get('backward', 0):.0f}"
        figures = (f"{r['sliced']:.2f} ± {r['sliced_ci']:.2f}{_failed(r)}" for r in found)
        print(f"| {name} | {calls} |", " | ".join(figures), "|")


def _floor_first(name: str) -> tuple[bool, str]:
    return name != "floor", name


def _failed(row: dict) -> str:
    return f" ({row['failures']:.0f} failed)" if row["failures"] else ""


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    command, words = (table, sys.argv[2:]) if sys.argv[1:2] == ["table"] else (main, sys.argv[1:])
    command(**dict(item.split("=", 1) for item in words))
