"""A small benchmark on a prior in closed form, for tests; as a program, it runs one slowly."""

import os
import signal
import sys
import time
from pathlib import Path

import torch
from PIL import Image

from inverse import solvers
from inverse.benchmarking.engine import Engine
from inverse.benchmarking.grid import Part, expand, list_units
from inverse.benchmarking.pictures import find
from inverse.benchmarking.scoring import Conventions, Scorer
from inverse.benchmarking.store import Store
from inverse.denoise import Prior
from operators import downsample, gaussian, inpaint_random

COSTS = ["seconds", "seconds_network", "peak_memory_mb", "batch", "time", "curve_seconds"]
COSTS += ["machine"]  # with its number of threads


class White(Prior):
    """Pixels N(0, 0.25), independent; may be slow, or short of memory above ``room`` samples."""

    def __init__(self, pause=0.0, room=None):
        super().__init__()
        self.pause, self.room, self.sizes = pause, room, []

    def denoise(self, x, level):
        self.sizes.append(len(x))
        if self.room is not None and len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        time.sleep(self.pause)
        return x * (level.alpha * 0.25 / (level.alpha**2 * 0.25 + level.sigma**2))


class Mortal(White):
    """Writes its process into a file at every call; the process of call number ``last`` dies."""

    def __init__(self, folder, last):
        super().__init__()
        self.calls, self.grave, self.last = folder / "calls", folder / "grave", last

    def denoise(self, x, level):
        with self.calls.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if len(self.calls.read_text().split()) >= self.last and not self.grave.exists():
            self.grave.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().denoise(x, level)


def same(one, two):
    """Two tables of rows agree in all but what the clock, the batch and the machine say."""
    import pandas

    ours, theirs = (frame.drop(columns=COSTS).sort_index(axis=1) for frame in (one, two))
    pandas.testing.assert_frame_equal(ours, theirs, check_exact=True, check_dtype=False)


def part(label, make, **config):
    return Part(label, {"name": label, **config}, (f"it={label}",), make)


def diffpir(steps=3, label="diffpir", lam=1.0):
    def make(seed, prior):
        return solvers.diffpir(prior, steps=steps, lam=lam)

    return part(label, make, steps=steps, lam=lam)


def axes(prior=None, **changes):
    prior = prior or White()
    found = {
        "operator": [
            part("inpaint", lambda seed, shape: inpaint_random(shape, 0.5, seed)),
            part("downsample", lambda seed, shape: downsample(shape, 2), factor=2),
        ],
        "noise": [part("gaussian", lambda seed: gaussian(0.1), sigma=0.1)],
        "solver": [diffpir(), diffpir(5, "longer")],
        "prior": [part("white", lambda seed: prior)],
    }
    return found | changes


def photographs(folder, count=5):
    """Small pictures of two sizes."""
    folder.mkdir(exist_ok=True)
    for k in range(count):
        sides = (16, 24, 3) if k % 2 else (16, 16, 3)
        pixels = torch.randint(0, 256, sides, generator=torch.Generator().manual_seed(k))
        Image.fromarray(pixels.byte().numpy()).save(folder / f"photo{k}.png")
    return find([str(folder)])


def work(pictures, seeds=(0, 1), samples=1, **changes):
    budget = {"seconds": None, "nfe": None}
    settings = {"samples": samples, "budget": budget, "size": None, "scoring": "plain"}
    return list_units(expand(axes(**changes), seeds, settings), pictures)


def engine(folder, **options):
    return Engine(Store(folder), Scorer(Conventions()), **options)


def run(folder, units, **options):
    """Run what is pending and give all rows."""
    mine = engine(folder, **options)
    for _ in mine.run(mine.store.pending(units)):
        pass
    return mine.store.read()


if __name__ == "__main__":
    slow, store = work(find([sys.argv[1]]), prior=White(pause=0.1)), Path(sys.argv[2])
    for rows in engine(store, batch=2).run(Store(store).pending(slow)):
        print(len(rows), flush=True)
