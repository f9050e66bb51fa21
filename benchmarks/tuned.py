"""One constant of each published solver, chosen on validation images: by task, at few calls.

INVERSE_DATA=... python -m benchmarks.tuned [nfe=20] [images=2] [side=128] [precision=bf16]
    [solvers=dps,...] [name=tuned_20]

The constants of the papers are for their own step counts, often a thousand. Here the one that
matters most is tried at each value of `GRIDS` on centres of Caltech-101 validation images, never
on those that are reported; `benchmarks.catalogue constants=tuned` takes the value of best LPIPS.
Writes results/tuned_<nfe>.json, where rows of other solvers of the same configuration and commit
stay, or NAME.json; what is best is looked for in all results/tuned_<nfe>*.json.
"""

import json
import math
import os
import sys
from functools import partial
from pathlib import Path

import torch

from benchmarks.baselines.tasks import TASKS, centre
from benchmarks.quality import measured, preset, problems, restore
from benchmarks.record import RESULTS, earlier, save
from inverse.apps.configuration import build
from inverse.denoise import Prior
from inverse.metrics import LPIPS
from inverse.priors import BUNDLED, load_prior
from inverse.samplers import Sampler
from inverse.training.data import ImageSource

GRIDS: dict[str, tuple[str, list[float]]] = {
    "cycle": ("lam", [0.06, 0.12, 0.23, 0.46]),
    "daps": ("start", [0.5, 1.0, 3.0, 10.0]),
    "ddnm_plus": ("eta", [0.0, 0.5, 0.85, 1.0]),
    "ddrm": ("eta", [0.0, 0.5, 0.85, 1.0]),
    "diffpir": ("zeta", [0.0, 0.7, 0.9, 1.0]),
    "dmps": ("lam", [0.3, 0.6, 1.0, 3.0]),
    "dps": ("zeta", [1.0, 3.0, 10.0, 30.0]),
    "ilvr": ("factor", [2, 8]),
    "lgd": ("zeta", [1.0, 3.0, 10.0, 30.0]),
    "mcg": ("zeta", [0.0, 0.3, 3.0, 10.0]),
    "mgps": ("rate", [0.01, 0.1, 0.3, 1.0]),
    "mpgd": ("scale", [1.0, 2.0, 8.0, 16.0]),
    "pigdm": ("eta", [0.0, 0.3, 0.7]),
    "pnpdm": ("rho", [0.3, 1.0, 3.0]),
    "reddiff": ("lam", [0.03, 0.1, 1.0, 3.0]),
    "sitcom": ("rate", [0.003, 0.03, 0.1, 0.3]),
    "tmpd": ("eta", [0.0, 0.3, 0.7]),
}
"""Solver -> its constant and the values tried beside the configured one."""


def settings(name: str, nfe: int) -> dict:
    """What is changed in the configuration of a solver so that it spends about ``nfe`` calls."""
    match name:
        case "nested":
            return {"outer_steps": max(1, round(nfe * 9 / 24))}  # 24 calls in 9 steps
        case "nested_sharp":
            return {"outer_steps": max(1, round(nfe / 4))}  # 24 calls in 6 steps
        case "plain":
            return {"outer_steps": nfe}
        case "nested_mean":
            return {"outer_steps": max(1, nfe // 3)}  # 24 calls in 8 steps
        case "nested_posterior":
            return {"steps": max(1, nfe // int(preset(name).passes))}
        case "daps" | "daps_hmc":
            return {"steps": max(1, nfe // int(preset(name).ode_steps))}
        case "sitcom":
            steps = max(1, round(nfe**0.5))
            return {"steps": steps, "iterations": max(1, nfe // steps)}
        case "pnpflow":
            return {"steps": max(1, nfe // int(preset(name).draws))}
        case "mgps":
            return {"steps": max(1, nfe // 5), "burst": 4}
        case "uneven_mean" | "once":
            return {}  # one call, or none
        case "uneven" | "uneven_fine":
            return {"steps": nfe // 2 + 1}  # two calls a step but for the first and the last
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


def compose(prior: Prior, name: str, nfe: int, **constants: float) -> Sampler:
    """A solver of about ``nfe`` calls, as configured but for ``constants``."""
    config = preset(name)
    config.update(settings(name, nfe) | constants)
    return build(config)(prior)


def validation(count: int, side: int = 128) -> torch.Tensor:
    """(count, 3, side, side): centres of Caltech-101 validation images, evenly spread."""
    path = Path(os.environ["INVERSE_DATA"]) / "eval" / "caltech101_val100_128.zip"
    source = ImageSource(path)
    chosen = (source.tensor(i * len(source) // count) for i in range(count))
    return torch.stack([centre(image, side) for image in chosen])


def best(nfe: int) -> dict[tuple[str, str], dict[str, float]]:
    """(Solver, task) -> the constant and value of least LPIPS on the validation images."""
    files = sorted(RESULTS.glob(f"tuned_{nfe}*.json"))
    rows = [row for file in files for row in json.loads(file.read_text())["rows"]]
    found: dict[tuple[str, str], dict] = {}
    for row in rows:
        key = (row["method"], row["task"])
        if row["lpips"] is not None and row["lpips"] < found.get(key, {"lpips": math.inf})["lpips"]:
            found[key] = row
    return {key: {row["constant"]: row["value"]} for key, row in found.items()}


def main(
    nfe: str = "20",
    images: str = "2",
    side: str = "128",
    precision: str = "float32",
    solvers: str = ",".join(GRIDS),
    name: str = "",
) -> None:
    """Try every value on every task, and write."""
    calls, prior, lpips = int(nfe), load_prior(BUNDLED, precision), LPIPS("alex")
    truth, file = validation(int(images), int(side)), name or f"tuned_{nfe}"
    config = {"nfe": calls, "images": len(truth), "side": int(side), "precision": precision}
    for solver in solvers.split(","):
        constant, values = GRIDS[solver]
        rows: list[dict] = []
        configured = settings(solver, calls).get(constant, preset(solver)[constant])
        for value in sorted({*values, configured}):
            sampler = compose(prior, solver, calls, **{constant: value})
            for task in TASKS:
                method = partial(restore, sampler, keep=0)
                figures, _ = measured(method, problems(task, truth), lpips)
                finite = math.isfinite(figures["psnr"])
                row: dict = {"method": solver, "task": task, "constant": constant, "value": value}
                row |= {key: figures[key] if finite else None for key in ("psnr", "lpips")}
                rows.append(row)
                print(*row.values(), flush=True)
        save(file, config, earlier(file, config, rows, ("method", "task", "value")) + rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
