"""Choose the baselines' constants: mean PSNR over a grid, on images no result is reported on.

    INVERSE_DATA=... python -m benchmarks.baselines.tune [task ...]

Images: the first eight of Caltech-101's val100_128 (128x128) and the centres (256x256) of four
of Set5 (baby, bird, butterfly, head). The winners stand in `benchmarks/baselines/__init__.py`.
"""

import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import product
from pathlib import Path

from torch import Tensor

from inverse.images import load_image
from inverse.metrics import psnr
from operators import Problem, Rng, gaussian, measure

from . import STARTS
from .classical import bicubic, biharmonic, richardson_lucy, tv, wiener
from .ffdnet import load_ffdnet
from .pnp_hqs import LAMBDA, pnp_hqs
from .tasks import SIGMA, TASKS, centre

Grid = Iterator[tuple[str, Callable[[Problem], Tensor]]]


def images() -> list[Tensor]:
    """Twelve images (1, 3, H, W) in [-1, 1]."""
    folder = Path(os.environ["INVERSE_DATA"]) / "eval"
    with zipfile.ZipFile(folder / "caltech101_val100_128.zip") as archive:
        with tempfile.TemporaryDirectory() as place:
            names = sorted(n for n in archive.namelist() if n.endswith(".png"))[:8]
            small = [load_image(archive.extract(name, place)) for name in names]
    large = [
        load_image(folder / "set5" / f"{n}_GT.png") for n in ("baby", "bird", "butterfly", "head")
    ]
    return [x[None] for x in small] + [centre(x)[None] for x in large]


def grids(task: str) -> Grid:
    """Every setting to be tried on a task, with its label."""
    for weight in (0.0025, 0.005, 0.01, 0.02, 0.04):
        yield f"tv weight={weight}", partial(tv, weight=weight)
    if task == "inpaint":
        for weight in (0.0, 0.02, 0.04, 0.06, 0.1):
            yield f"biharmonic weight={weight}", partial(biharmonic, weight=weight)
    if task == "deblur":
        for balance in (0.01, 0.02, 0.04, 0.08, 0.16):
            yield f"wiener balance={balance}", partial(wiener, balance=balance)
        for count in (10, 20, 40, 80):
            yield f"richardson_lucy iterations={count}", partial(richardson_lucy, iterations=count)
    if task == "superres":
        yield "bicubic", bicubic
    net, start = load_ffdnet(), cache(STARTS[task])
    settings = [(8, 49, 1.0, LAMBDA), *product((24,), (25, 49), (0.35, 0.5, 0.7, 1.0), (LAMBDA,))]
    first, last = (25, 0.5) if task in ("inpaint", "sensing") else (49, 1.0)
    settings += [(24, first, last, lam) for lam in (0.06, 0.12, 0.46)]
    for count, first, last, lam in settings:
        method = partial(pnp_hqs, denoise=net, start=start, iterations=count, last=last, lam=lam)
        label = f"pnp_hqs {count} {first}/255 last={last} lam={lam}"
        yield label, partial(method, first=2 * first / 255)


def main(tasks: list[str]) -> None:
    """Print the mean PSNR of every setting."""
    truths = images()
    for task in tasks or list(TASKS):
        problems = [
            measure(TASKS[task]((3, *x.shape[2:]), i), gaussian(SIGMA), x, Rng([i]))
            for i, x in enumerate(truths)
        ]
        for label, method in grids(task):
            values = [psnr(method(p), x).item() for p, x in zip(problems, truths, strict=True)]
            print(f"{task:9} {label:45} {sum(values) / len(values):6.2f} dB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
