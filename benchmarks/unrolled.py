"""Three network calls before and after their network was trained through them.

INVERSE_DATA=... python -m benchmarks.unrolled [minutes=60] [steps=1000000] [side=256] [count=24]
    [operators=walsh_hadamard,block_sensing]

`idm` with the bundled prior, sensing 25 % with noise 0.05: as it comes, and tuned end to end for so
many minutes (or steps) by operator, its levels too, on patches of 64 pixels of large photographs.
Mean PSNR on the centres of the first Kodak photographs; `nested_mean`, 24 calls, beside them.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.denoising import Centre
from benchmarks.record import save
from inverse.apps.configuration import build, read
from inverse.metrics import psnr
from inverse.priors import bundled
from inverse.samplers import Sampler
from inverse.solvers import idm
from inverse.solving import solve
from inverse.training.data import ImageSource, as_tensor
from inverse.training.patches import Patches
from inverse.training.recipe import Recipe
from inverse.training.tuning import tune
from inverse.training.unrolled import Learned, Told
from operators import Operator, Rng, block_sensing, gaussian, measure, seed_for, walsh_hadamard

NOISE = gaussian(0.05)
OPERATORS = {"walsh_hadamard": walsh_hadamard, "block_sensing": block_sensing}


def score(sampler: Sampler, make: Callable[..., Operator], images: list[Tensor]) -> float:
    """Mean PSNR of what is restored of measured images."""
    values = []
    for n, x0 in enumerate(images):
        rng = Rng([seed_for("unrolled", n)])
        problem = measure(make(x0.shape[1:], ratio=0.25), NOISE, x0, rng)
        values.append(float(psnr(solve(sampler, problem, rng).x0, x0)))
    return sum(values) / len(values)


def tuned(make: Callable[..., Operator], recipe: Recipe, place: str) -> tuple[Sampler, list[float]]:
    """The walk after training, and its levels."""
    sampler = idm(Told(bundled()).requires_grad_(True))  # pyright: ignore[reportArgumentType]
    sampler.grid = Learned(sampler.grid(None))
    sources = [ImageSource(f"{place}/train/photos136_wiki_cq.zip")]
    stream = Patches(sources, recipe.patch, 0, recipe.steps * recipe.batch, flat=0.03)

    def pictures(step: int) -> Tensor:
        return torch.stack([stream[step * recipe.batch + k].x0 for k in range(recipe.batch)])

    def task(shape: tuple[int, ...], seed: int) -> Operator:
        return make(shape, ratio=0.25, seed=seed)

    for report in tune(sampler, [task], NOISE, pictures, recipe):
        print(report, flush=True)
    return sampler.eval().requires_grad_(False), sampler.grid.nsrs


def main(
    minutes: int = 60,
    steps: int = 1_000_000,
    side: int = 256,
    count: int = 24,
    operators: str = ",".join(OPERATORS),
) -> None:
    """Write results/unrolled.json."""
    place, rows = os.environ["INVERSE_DATA"], []
    source = Centre(ImageSource(f"{place}/eval/kodak24_500"), side)
    images = [as_tensor(source[n])[None] for n in range(count)]
    recipe = Recipe(minutes=minutes, steps=steps, batch=8, patch=64, rate=1e-4, warmup=100)
    for name in operators.split(","):
        make = OPERATORS[name]
        mean = build(read("solver", "nested_mean"))(bundled())
        row: dict[str, Any] = {"operator": name, "nested_mean": score(mean, make, images)}
        row["untuned"] = score(idm(bundled()), make, images)
        sampler, levels = tuned(make, recipe, place)
        row |= {"tuned": score(sampler, make, images), "levels": levels}
        rows.append(row)
        print(row, flush=True)
    config = {"minutes": minutes, "steps": steps, "side": side, "count": count}
    save("unrolled", config, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    words: dict[str, Any] = dict(item.split("=", 1) for item in sys.argv[1:])
    words |= {k: int(v) for k, v in words.items() if v.isdigit()}
    main(**words)
