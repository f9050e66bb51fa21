"""Constants of our presets, tried on McMaster, never on Kodak: four tasks, any prior.

INVERSE_DATA=... python -m benchmarks.presets [solver=nested] [prior=bundled|ffdnet|PATH]
    [images=18] [side=128] [folder=mcmaster18] [tasks=inpaint,...]
    [only="fresh,inner_zeta=1 lam=0.2,..."] [name=NAME]

Each entry of `only` is a rule of `RULES`, the preset as it is (``shipped``), or values that are
changed in it. All else stays. PSNR and LPIPS after each outer step, noise 0.05, one sample each.
Writes results/presets_<solver>_<folder>.json (or NAME.json), where other entries stay. FFDNet is no
prior that is shipped: with it the network is held fixed at what a good one of 2018 gives, and the
rest is the sampler's own worth.
"""

import os
import sys
from functools import partial

import torch
from omegaconf import OmegaConf

from benchmarks.baselines.tasks import SIGMA, TASKS, crops
from benchmarks.quality import measured, named, preset, problems, restore
from benchmarks.record import earlier, save
from inverse.apps.configuration import build
from inverse.metrics import LPIPS

RULES: dict[str, dict[str, float]] = {
    "shipped": {},
    "fresh": {"inner_zeta": 1.0},
    "turned 0.8": {"inner_zeta": 0.8},
    "turned 0.5": {"inner_zeta": 0.5},
    "turned 0.3": {"inner_zeta": 0.3},
    "turned 0.1": {"inner_zeta": 0.1},
    "turned 0.01": {"inner_zeta": 0.01},
}


def changes(entry: str) -> dict:
    """What an entry changes: a rule by name, or values as ``key=value``, apart by blanks."""
    if entry in RULES:
        return RULES[entry]
    return dict(OmegaConf.from_dotlist(entry.split()))  # pyright: ignore[reportReturnType]


def main(
    solver: str = "nested",
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
    config = {"solver": solver, "images": len(truth), "side": int(side)}
    config |= {"folder": folder, "sigma": SIGMA}
    file, rows = name or f"presets_{solver}_{folder}", []
    for task in tasks.split(","):
        for entry in only.split(","):
            setting = preset(solver)
            setting.update(changes(entry))
            sampler = build(setting)(network)
            figures, _ = measured(partial(restore, sampler), problems(task, truth), lpips)
            row = {"prior": prior, "task": task, "rule": entry}
            rows.append(row | {"setting": OmegaConf.to_container(setting)} | figures)
            late = " ".join(
                f"{p['nfe']}: {p['psnr']:.2f} {p['lpips']:.3f}" for p in figures["curve"]
            )
            print(f"{prior} {task:9}{entry:12}{late}", flush=True)
        save(file, config, earlier(file, config, rows, ("prior", "task", "rule")) + rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
