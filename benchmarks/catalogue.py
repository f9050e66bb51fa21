"""Every solver on the four tasks, with its paper's constants, at about the same network calls.

INVERSE_DATA=... python -m benchmarks.catalogue [nfe=20] [images=4] [side=128] [precision=bf16]
    [tasks=inpaint,...] [solvers=ddnm,...] [prior=PATH]

Crops of Kodak, noise of standard deviation 0.05 on [-1, 1], one sample each. The constants are
those of `conf/solver`; only the number of steps is changed so that forward calls come near ``nfe``
(what was really spent is in the table; backward passes are counted apart). One picture per task
shows every solver on the first image.
"""

import math
import os
import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.baselines.tasks import SIGMA, TASKS, crops
from benchmarks.quality import measured, preset, problems, restore
from benchmarks.record import RESULTS, save
from inverse.apps.configuration import FOLDER, build
from inverse.images import save_image
from inverse.metrics import LPIPS
from inverse.needs import Unfit
from inverse.panels import Tile, panel
from inverse.priors import BUNDLED, load_prior
from inverse.process import Sampler


def settings(name: str, nfe: int) -> dict:
    """What is changed in the configuration of a solver so that it spends about ``nfe`` calls."""
    match name:
        case "nested" | "nested_mean":
            return {"outer": max(1, nfe // int(preset(name).inner))}
        case "nested_posterior":
            return {"inner": max(1, nfe // int(preset(name).outer))}
        case "daps" | "daps_hmc":
            return {"steps": max(1, nfe // int(preset(name).ode_steps))}
        case "sitcom":
            steps = max(1, round(nfe**0.5))
            return {"steps": steps, "iterations": max(1, nfe // steps - 1)}
        case "mgps":
            return {"steps": max(1, nfe // 5), "burst": 4}
        case "ltsp" | "stsp":
            return {"steps": max(1, nfe // 3)}
        case "pnpdm" | "pnpdm_mean":
            inner = max(2, round(nfe**0.5))
            steps = max(1, nfe // inner)
            changed = {"steps": steps, "inner": inner, "decay": 0.03 ** (1 / steps)}
            return changed | ({"burn_in": steps // 2} if name == "pnpdm_mean" else {})
        case "repaint":
            return {"steps": max(2, nfe // 2), "jump": 1, "repeats": 2}
        case "cycle":
            return {"steps": max(1, nfe // 2), "encode": max(1, nfe // 2)}
        case "fps_smc" | "mcgdiff" | "tds":
            return {"steps": max(1, nfe // 4), "particles": 4}
        case _:
            return {"steps": nfe}


def catalogue() -> list[str]:
    """The names of all solvers."""
    return sorted(path.stem for path in (FOLDER / "solver").glob("*.yaml"))


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
            figures, x = measured(partial(restore, sampler), given, lpips)
        except Unfit as error:
            rows.append(row | {"refused": str(error)})
            continue
        if not math.isfinite(figures["psnr"]):
            rows.append(row | {"failed": "not finite", "nfe": figures["nfe"]})
            continue
        del figures["curve"]
        rows.append(row | figures)
        tiles.append(Tile(name, x, f"{figures['psnr']:.1f} dB · {figures['lpips']:.2f}"))
        scores = " ".join(f"{k} {figures[k]:.3f}" for k in ("psnr", "lpips", "residual"))
        calls = f"{figures['nfe']}+{figures['backward']} calls"
        print(f"{task:9}{name:18}{scores} {calls} {figures['seconds']:.2f} s", flush=True)
    return rows, tiles


def main(
    nfe: int, images: int, side: int, precision: str, tasks: str, solvers: str, path: str | Path
) -> None:
    """Measure, write results/catalogue_<nfe>.json and a picture per task."""
    prior, truth, lpips = load_prior(path, precision), crops(images, side), LPIPS("alex")
    names = solvers.split(",") if solvers else catalogue()
    samplers = {}
    for name in names:
        config = preset(name)
        config.update(settings(name, nfe))
        samplers[name] = build(config)(prior)
    config = {"nfe": nfe, "images": images, "side": side, "sigma": SIGMA, "precision": precision}
    config["solvers"] = {name: settings(name, nfe) for name in names}
    rows = []
    for task in tasks.split(","):
        found, tiles = run(task, samplers, truth, lpips)
        rows += found
        shown = [tiles[i : i + 6] for i in range(0, len(tiles), 6)]
        save_image(panel(*shown, size=side), RESULTS / f"catalogue_{task}_{nfe}.jpg")
        save(f"catalogue_{nfe}", config, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    given = dict(item.split("=", 1) for item in sys.argv[1:])
    main(
        int(given.pop("nfe", 20)),
        int(given.pop("images", 4)),
        int(given.pop("side", 128)),
        given.pop("precision", "float32"),
        given.pop("tasks", ",".join(TASKS)),
        given.pop("solvers", ""),
        given.pop("prior", BUNDLED),
    )
