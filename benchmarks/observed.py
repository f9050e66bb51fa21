"""A prior from measurements alone, beside one of clean pictures, trained for as many steps.

INVERSE_DATA=... python -m benchmarks.observed [out=outputs/observed] [count=4000] [laps=6]
    [steps=5000] [channels=32,64]

Patches of 32 x 32 pixels of Caltech-101, of which half of the pixels are lost and the others have
noise of 0.05 on [0, 1] (0.1 here). A tenth is held out, and its evidence says when to stop. A
network of kind "stem" learns from them by `laps` of `steps` each (`inverse.training.learning`); the
same network from the clean patches in as many steps altogether. Scored by denoising (noise of
25 of 255) 100 patches of validation images; `gaussian` is what the first lap is completed by.
"""

import os
import shutil
import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.record import save
from inverse.images import save_image
from inverse.priors import EDMPrior, load_prior
from inverse.solvers import uneven
from inverse.training.data import ImageSource
from inverse.training.expectation import Expectation
from inverse.training.learning import Maximisation, learn
from inverse.training.mixtures import fit_gaussian
from inverse.training.observed import Observations
from inverse.training.patches import Patches
from inverse.training.recipe import Recipe
from inverse.training.trainer import Trainer
from inverse.training.validation import denoising_psnr
from operators import Inpaint, Rng, gaussian, measure, seed_for

SIDE, KEEP, SIGMA = 32, 0.5, 0.1
RECIPE = Recipe(
    minutes=1e6,
    every=1e6,
    batch=16,
    patch=SIDE,
    muon=True,
    rate=1e-3,
    warmup=50,
    decay=0.3,
    centre=-1.5,
    fields=0.5,
)


def pictures(source: ImageSource, count: int, folder: Path, seed: int) -> ImageSource:
    """Random patches as files."""
    folder.mkdir(parents=True, exist_ok=True)
    stream = Patches([source], SIDE, seed, count)
    for n in range(count):
        save_image(stream[n].x0, folder / f"{n:06}.png")
    return ImageSource(folder)


def observed(source: ImageSource) -> Observations:
    """What is measured of the patches."""
    x0 = torch.stack([source.tensor(n) for n in range(len(source))])
    rng = Rng([seed_for("observed", n) for n in range(len(x0))])
    masks = rng.uniform((len(x0), 1, SIDE, SIDE)) < KEEP
    return Observations([measure(Inpaint(x0.shape[1:], masks), gaussian(SIGMA), x0, rng)])


def main(
    out: str = "outputs/observed",
    count: int = 4000,
    laps: int = 6,
    steps: int = 5000,
    channels: str = "32,64",
) -> None:
    """Write results/observed.json."""
    data, folder, began = Path(os.environ["INVERSE_DATA"]), Path(out), time.process_time()
    shape = {"kind": "stem", "channels": [int(c) for c in channels.split(",")], "layers": 2}
    train = ImageSource(data / "train" / "caltech101_train_s128.zip")
    clean = pictures(train, count, folder / "clean", 0)
    validation = ImageSource(data / "eval" / "caltech101_val100_128.zip")
    validation = pictures(validation, 100, folder / "validation", 1)
    kept, held = observed(clean).split(0.1)
    rows = []

    def tell(what: str, prior: torch.nn.Module, **more: float) -> None:
        score = denoising_psnr(prior, validation, (25,))  # pyright: ignore[reportArgumentType]
        spent = (time.process_time() - began) / 60
        rows.append({"prior": what} | score | more | {"cpu_minutes": round(spent, 2)})
        print(rows[-1], flush=True)

    fine = partial(uneven, steps=24, start=4.0, end=0.005)  # conf/solver/uneven_fine.yaml
    recipe = replace(RECIPE, steps=steps)
    torch.manual_seed(0)
    train_step = Maximisation(lambda: EDMPrior(shape), recipe, folder, workers=0)
    start = fit_gaussian(kept, held)
    for lap in learn(start, kept, held, Expectation(fine), train_step, laps):
        name = f"lap {lap.number}" if lap.number else "gaussian"
        tell(name, lap.model, evidence=lap.evidence)
        done = lap.number
    for n in range(len(kept), count):
        (folder / "clean" / f"{n:06}.png").unlink(missing_ok=True)
    torch.manual_seed(0)
    whole = replace(RECIPE, steps=steps * done)
    trainer = Trainer(EDMPrior(shape), whole, folder / "from_clean", workers=0)
    list(trainer.run([ImageSource(folder / "clean")]))
    tell("clean", load_prior(folder / "from_clean" / "prior.safetensors"))
    config = {"count": count, "laps": laps, "steps": steps, "recipe": asdict(RECIPE)} | shape
    save("observed", config, rows)
    shutil.rmtree(folder / "clean")


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    words: dict[str, Any] = dict(item.split("=", 1) for item in sys.argv[1:])
    words |= {k: int(v) for k, v in words.items() if v.isdigit()}
    main(**words)
