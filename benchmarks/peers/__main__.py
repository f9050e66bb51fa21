"""Runs the peers beside our solvers and writes results/peers.json; goes on where it was stopped."""

import os
import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmarks.baselines.tasks import SIGMA, TASKS
from benchmarks.peers import peers
from benchmarks.record import save
from inverse import solvers
from inverse.benchmarking.engine import Engine
from inverse.benchmarking.grid import Part, expand, list_units, weights_digest
from inverse.benchmarking.pictures import find
from inverse.benchmarking.scoring import Conventions, Scorer
from inverse.benchmarking.store import Store
from inverse.denoise import Prior
from inverse.metrics import LPIPS
from inverse.priors import bundled
from operators import gaussian

COMMAND = "# python -m benchmarks.peers"


def ours(steps: int) -> dict[str, Any]:
    """Our solvers of the same papers, at their defaults but for the steps; and `nested`."""
    return {
        "DPS": partial(solvers.dps, steps=steps),
        "DiffPIR": partial(solvers.diffpir, steps=steps),
        "MMPS": partial(solvers.mmps, steps=steps),
        "PiGDM": partial(solvers.pigdm, steps=steps),
        "nested": solvers.nested,
    }


def axes(prior: Prior, steps: int, tasks: str) -> dict[str, list[Part]]:
    """The grid: tasks, noise, our solvers and theirs, one prior."""
    makers = ours(steps) | peers(steps)
    return {
        "operator": [_part(task, _operator(task), factor=4) for task in tasks.split(",")],
        "noise": [_part("gaussian", lambda seed: gaussian(SIGMA), sigma=SIGMA)],
        "solver": [
            _part(name, _sampler(make), steps=steps, version=_version(name))
            for name, make in makers.items()
        ],
        "prior": [_part("bundled", lambda seed: prior, weights=weights_digest(prior))],
    }


def _part(name: str, make: Any, **config: Any) -> Part:
    return Part(name, {"name": name, **config}, (COMMAND,), make)


def _operator(task: str) -> Any:
    return lambda seed, shape: TASKS[task](shape, seed)


def _sampler(make: Any) -> Any:
    return lambda seed, prior: make(prior)


def _version(name: str) -> str:
    library, _, method = name.partition(" ")
    try:
        return version(library if method else "anytime-inverse")
    except PackageNotFoundError:
        return "unknown"


def main(
    images: str = "3",
    side: str = "64",
    steps: str = "50",
    tasks: str = "inpaint,superres",
    out: str = "outputs/peers",
) -> None:
    """Run what is pending, batch by batch of one, and write the means."""
    data = Path(os.environ["INVERSE_DATA"]) / "eval" / "kodak24_500"
    scorer = Scorer(Conventions(size=int(side)), {"lpips_alex": LPIPS("alex")})
    engine = Engine(Store(out), scorer, batch=1)
    settings = {"samples": 1, "budget": {}, "size": int(side), "scoring": scorer.identity()}
    cells = expand(axes(bundled(), int(steps), tasks), [0], settings)
    units = list_units(cells, find([f"{data}@0:{images}"]))
    for rows in engine.run(engine.store.pending(units)):
        row = rows[0]
        print(
            row["operator"], row["solver"], row["image"], row.get("psnr", row["error"]), flush=True
        )
    frame: Any = engine.store.read()  # pandas' own annotations let nothing be done with it
    frame = frame[frame["unit"].isin({unit.key for unit in units}) & (frame["status"] == "ok")]
    columns = ["psnr", "ssim", "lpips_alex", "residual", "nfe", "nfe_backward"]
    means = frame.groupby(["operator", "solver"])[columns].mean()
    config = {"images": int(images), "side": int(side), "steps": int(steps), "tasks": tasks}
    config |= {"sigma": SIGMA}
    config |= {name: version(name) for name in ("azula", "deepinv")}
    save("peers", config, means.round(4).reset_index().to_dict("records"))
    print(means.to_string(float_format="%.3f"))


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
