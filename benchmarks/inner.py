"""The inner rule of ``nested``: fresh noise, less, none or turned round; four tasks, each prior.

INVERSE_DATA=... python -m benchmarks.inner [prior=bundled|ffdnet|PATH] [images=18] [side=128]
    [folder=mcmaster18] [tasks=inpaint,...] [only=fresh,...] [name=inner_mcmaster18]

All else of the preset stays. PSNR and LPIPS after each outer step, noise 0.05, one sample each.
Rules are chosen on McMaster, never on Kodak. FFDNet is no prior that is shipped: with it the
network is held fixed at what a good one of 2018 gives, and the rest is the sampler's own worth.
"""

import os
import sys
from functools import partial

import torch

from benchmarks.baselines.tasks import SIGMA, TASKS, crops
from benchmarks.quality import measured, named, preset, problems, restore
from benchmarks.record import earlier, save
from inverse.apps.configuration import build
from inverse.metrics import LPIPS

RULES: dict[str, dict[str, float]] = {
    "fresh": {"inner_temperature": 1.0},
    "half": {"inner_temperature": 0.5},
    "none": {"inner_temperature": 0.0},
    "turned 0.01": {"inner_turned": 0.01},
    "turned 0.1": {"inner_turned": 0.1},
    "turned 0.3": {"inner_turned": 0.3},
    "turned 0.5": {"inner_turned": 0.5},
}


def main(
    prior: str = "bundled",
    images: str = "18",
    side: str = "128",
    folder: str = "mcmaster18",
    tasks: str = ",".join(TASKS),
    only: str = ",".join(RULES),
    name: str = "",
) -> None:
    """Measure, print, and write after every task."""
    network, lpips = named(prior), LPIPS("alex")
    truth = crops(int(images), int(side), folder)
    config = {"images": len(truth), "side": int(side), "folder": folder, "sigma": SIGMA}
    file, rows = name or f"inner_{folder}", []
    for task in tasks.split(","):
        for rule in only.split(","):
            setting = preset("nested")
            setting.update(RULES[rule])
            sampler = build(setting)(network)
            figures, _ = measured(partial(restore, sampler), problems(task, truth), lpips)
            rows.append({"prior": prior, "task": task, "rule": rule} | figures)
            late = " ".join(
                f"{p['nfe']}: {p['psnr']:.2f} {p['lpips']:.3f}" for p in figures["curve"]
            )
            print(f"{prior} {task:9}{rule:12}{late}", flush=True)
        save(file, config, earlier(file, config, rows, ("prior", "task", "rule")) + rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
