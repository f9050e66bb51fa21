"""Inpainting as uneven noise: ``uneven`` beside ``nested``, the same network, on photographs.

INVERSE_DATA=... python -m benchmarks.uneven [prior=bundled|PATH] [images=18] [side=128]
    [folder=mcmaster18] [task=inpaint] [steps=3,6,12] [name=uneven_mcmaster18]

PSNR, LPIPS, network calls and seconds an image; noise 0.05, one sample each. ``uneven`` walks from
the measurement to a sample, ``uneven_mean`` is one call at its start. Chosen on McMaster.
"""

import os
import sys
from functools import partial

import torch

from benchmarks.baselines.tasks import SIGMA, crops
from benchmarks.quality import measured, named, preset, problems, restore
from benchmarks.record import earlier, save
from inverse.apps.configuration import build
from inverse.metrics import LPIPS


def rules(steps: str) -> dict[str, tuple[str, dict]]:
    """Names, presets and what is changed in them."""
    walks = {
        f"uneven {count} {'Heun' if heun else 'Euler'} eta {eta:g}": (
            "uneven",
            {"steps": int(count), "heun": heun, "eta": eta},
        )
        for count in steps.split(",")
        for heun, eta in ((True, 0.0), (False, 0.0), (False, 1.0))
    }
    points = {name: (name, {}) for name in ("uneven_mean", "nested_fast", "nested", "nested_mean")}
    return points | walks


def main(
    prior: str = "bundled",
    images: str = "18",
    side: str = "128",
    folder: str = "mcmaster18",
    task: str = "inpaint",
    steps: str = "3,6,12",
    name: str = "",
) -> None:
    """Measure, print and write."""
    network, lpips = named(prior), LPIPS("alex")
    truth = crops(int(images), int(side), folder)
    config = {"images": len(truth), "side": int(side), "folder": folder, "sigma": SIGMA}
    file, rows = name or f"uneven_{folder}", []
    for rule, (solver, changes) in rules(steps).items():
        setting = preset(solver)
        setting.update(changes)
        sampler = build(setting)(network)
        figures, _ = measured(partial(restore, sampler), problems(task, truth), lpips)
        figures.pop("curve", None)
        rows.append({"prior": prior, "task": task, "rule": rule} | figures)
        shown = " ".join(f"{k} {figures[k]:.3f}" for k in ("psnr", "lpips", "nfe", "seconds"))
        print(f"{rule:24}{shown}", flush=True)
        save(file, config, earlier(file, config, rows, ("prior", "task", "rule")) + rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
