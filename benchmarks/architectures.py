"""Networks trained alike for the same CPU time, by denoising PSNR and by time: which one to ship.

INVERSE_DATA=... python -m benchmarks.architectures [minutes=30] [only=64-128-160x3] [out=FOLDER]

Each learns for so many minutes of CPU time (of one thread, whatever else the machine does) from the
same patches, noise and recipe, its rate falling to zero at the end. PSNR at noise 15, 25, 50 of 255
is of 12 pictures that none has seen; the seconds are the least CPU time of a call at 256 x 256, and
of a training step. Weights stay in ``out``.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.record import earlier, save
from inverse.levels import Level
from inverse.priors import EDMPrior
from inverse.training.data import DecodedImages, ImageSource
from inverse.training.recipe import Recipe
from inverse.training.trainer import Trainer

RECIPE = Recipe(
    batch=8,
    patch=48,
    muon=True,
    rate=1e-3,
    warmup=100,
    decay=0.3,
    centre=-1.9,
    spread=1.0,
    uniform=0.15,
    fields=0.3,
    rescale=0.5,
    flat=0.03,
    every=10.0,
)
CANDIDATES = {
    "64-128-160x3": {"kind": "stem", "channels": [64, 128, 160], "layers": 3},
    "96x7": {"kind": "stem", "channels": [96], "layers": 7},
    "64-128x4": {"kind": "stem", "channels": [64, 128], "layers": 4},
    "64-128-256x2": {"kind": "stem", "channels": [64, 128, 256], "layers": 2},
    "unet 48-96-128-128x2": {"kind": "local", "channels": [48, 96, 128, 128], "layers": 2},
}
NAMES = ("caltech101_train_s128", "photos54_half", "photos136_wiki_cq")


def sources(folder: Path) -> list[DecodedImages]:
    """Small and large photographs, decoded into ``folder``; half of the patches from each."""
    data = Path(os.environ["INVERSE_DATA"]) / "train"
    one = [DecodedImages(ImageSource(data / f"{n}.zip"), folder / f"{n}.bytes") for n in NAMES]
    return [one[0], one[0], one[1], one[2]]


def trained(name: str, minutes: float, folder: Path) -> dict:
    """The row of one network."""
    torch.manual_seed(RECIPE.seed)
    network = CANDIDATES[name]
    recipe = replace(RECIPE, minutes=minutes, fields=RECIPE.fields * (network["kind"] == "stem"))
    prior = EDMPrior(network)
    trainer = Trainer(prior, recipe, folder / name, clock=time.process_time)
    validation = ImageSource(Path(os.environ["INVERSE_DATA"]) / "eval" / "cq100_val19_256.zip")
    report = {}
    for report in trainer.run(sources(folder), validation):
        print(name, report, flush=True)
    return {"network": name, **report, **costs(prior.eval().requires_grad_(False))}


@torch.no_grad()
def costs(prior: EDMPrior) -> dict:
    """Parameters in millions, GFLOP and least CPU seconds of a call at 256 x 256."""
    x, level, seconds = torch.zeros(1, 3, 256, 256), Level(1.0, 0.2), []
    with FlopCounterMode(display=False) as counter:
        prior.denoise(x, level)
    for _ in range(8):
        start = time.process_time()
        prior.denoise(x, level)
        seconds.append(time.process_time() - start)
    size = sum(p.numel() for p in prior.parameters()) / 1e6
    return {"parameters": size, "gflop": counter.get_total_flops() / 1e9, "seconds": min(seconds)}


def main(minutes: str = "30", only: str = "", out: str = "outputs/architectures") -> None:
    """Write results/architectures.json."""
    torch.set_num_threads(1)
    config = {**vars(RECIPE), "minutes": float(minutes)}
    for name in only.split(",") if only else CANDIDATES:
        rows = [trained(name, float(minutes), Path(out))]
        save("architectures", config, rows + earlier("architectures", config, rows, ("network",)))


if __name__ == "__main__":
    main(**dict(argument.split("=", 1) for argument in sys.argv[1:]))
