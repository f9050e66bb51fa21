"""Every solver of pixels on the four tasks, with its paper's constants, at equal network calls.

INVERSE_DATA=... python -m benchmarks.catalogue [nfe=20] [images=6] [side=128] [precision=bf16]
    [tasks=inpaint,...] [solvers=ddnm,...] [prior=PATH] [constants=paper|tuned] [name=NAME]
python -m benchmarks.catalogue table [name=catalogue_20,...]

Crops of Kodak, noise of standard deviation 0.05 on [-1, 1], one sample each. The constants are
those of `conf/solver`, the papers'; only the number of steps is changed so that forward calls come
near ``nfe`` (what was really spent is in the table; backward passes are counted apart). With
``constants=tuned`` one constant of each solver is, task by task, the best that `benchmarks.tuned`
found on validation images at as many calls. One picture per task shows every solver on the first
image. Rows of other tasks of the same configuration and commit stay.
"""

import json
import math
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.baselines.tasks import SIGMA, TASKS, crops
from benchmarks.quality import measured, problems, restore
from benchmarks.record import RESULTS, earlier, save
from benchmarks.tuned import GRIDS, best, compose
from inverse.apps.configuration import FOLDER
from inverse.denoise import Unfit
from inverse.images import Tile, panel, save_image
from inverse.metrics import LPIPS
from inverse.priors import BUNDLED, load_prior
from inverse.samplers import Sampler

BUDGETS = {"nested_coarse", "nested_fast", "nested_best"}
"""Ours at other budgets."""

OTHERS = {"cm4ir", "idm", "latino", "ldps", "lvtino", "nested_latent", "nested_video", "psld"}
OTHERS |= {"resample"}
"""Made for latents, consistency models or clips, or for a prior that was tuned through them."""


def catalogue() -> list[str]:
    """The names of the solvers that are compared."""
    every = {path.stem for path in (FOLDER / "solver").glob("*.yaml")}
    return sorted(every - BUDGETS - OTHERS)


def run(
    task: str, samplers: dict[str, Sampler], truth: Tensor, lpips: LPIPS
) -> tuple[list[dict], list[Tile]]:
    """A row and a picture per solver that can solve the task."""
    given = problems(task, truth)
    _, problem, _ = given[0]
    rows, seen = [], problem.operator.picture(problem.y[:1])[0]
    tiles = [Tile("truth", truth[0]), Tile("measurement", seen)]
    for name, sampler in samplers.items():
        row = {"task": task, "method": name}
        try:
            figures, x = measured(partial(restore, sampler, keep=0), given, lpips)
        except Unfit as error:
            rows.append(row | {"refused": str(error)})
            continue
        if not math.isfinite(figures["psnr"]):
            rows.append(row | {"failed": "not finite", "nfe": figures["nfe"]})
            continue
        rows.append(row | figures)
        tiles.append(Tile(name, x, f"{figures['psnr']:.1f} dB · {figures['lpips']:.2f}"))
        scores = " ".join(f"{k} {figures[k]:.3f}" for k in ("psnr", "lpips", "residual"))
        calls = f"{figures['nfe']}+{figures['backward']} calls"
        print(f"{task:9}{name:18}{scores} {calls} {figures['seconds']:.2f} s", flush=True)
    return rows, tiles


def main(
    nfe: str = "20",
    images: str = "6",
    side: str = "128",
    precision: str = "float32",
    tasks: str = ",".join(TASKS),
    solvers: str = "",
    prior: str | Path = BUNDLED,
    constants: str = "paper",
    name: str = "",
) -> None:
    """Measure, write results/catalogue_<nfe>[_tuned].json (or NAME) and a picture per task."""
    network, calls = load_prior(prior, precision), int(nfe)
    truth, lpips = crops(int(images), int(side)), LPIPS("alex")
    chosen = best(calls) if constants == "tuned" else {}
    names = solvers.split(",") if solvers else list(GRIDS) if chosen else catalogue()
    config: dict[str, Any] = {"nfe": calls, "images": len(truth), "side": int(side)}
    config |= {"sigma": SIGMA, "precision": precision, "constants": constants}
    stem = name or f"catalogue_{nfe}" + ("_tuned" if chosen else "")
    for task in tasks.split(","):
        changed = {n: chosen.get((n, task), {}) for n in names}
        samplers = {n: compose(network, n, calls, **changed[n]) for n in names}
        found, tiles = run(task, samplers, truth, lpips)
        rows = [row | {"constants": changed[row["method"]]} for row in found]
        shown = [tiles[i : i + 6] for i in range(0, len(tiles), 6)]
        save_image(panel(*shown, size=int(side)), RESULTS / f"{stem}_{task}.jpg")
        save(stem, config, earlier(stem, config, rows, ("task", "method")) + rows)


def table(name: str = "catalogue_20") -> None:
    """Print result files as a Markdown table, the least LPIPS first: PSNR / LPIPS by task.

    What is in several files is taken from the last of them.
    """
    files = [json.loads((RESULTS / f"{file}.json").read_text()) for file in name.split(",")]
    rows = [row for file in files for row in file["rows"]]
    cells = {(row["method"], row["task"]): row for row in rows}
    tasks = list(dict.fromkeys(row["task"] for row in rows))

    def mean(method: str) -> float:
        found = [cells[method, task].get("lpips") or math.inf for task in tasks]
        return sum(found) / len(found)

    def cell(row: dict) -> str:
        if "psnr" not in row:
            return "refused" if "refused" in row else "failed"
        constant = "".join(f" ({key} {value:g})" for key, value in row["constants"].items())
        return f"{row['psnr']:.1f} / {row['lpips']:.2f}{constant}"

    print("| solver | calls |", " | ".join(tasks), "|")
    print("|---" * (len(tasks) + 2) + "|")
    for method in sorted(dict.fromkeys(row["method"] for row in rows), key=mean):
        found = [cells[method, task] for task in tasks]
        calls = next((f"{r['nfe']} + {r['backward']}" for r in found if "backward" in r), "")
        print(f"| {method} | {calls} |", " | ".join(map(cell, found)), "|")


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    command, words = (table, sys.argv[2:]) if sys.argv[1:2] == ["table"] else (main, sys.argv[1:])
    command(**dict(item.split("=", 1) for item in words))
