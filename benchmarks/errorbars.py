"""Error bars: are they as wide on other photographs as on those where they were measured?

INVERSE_DATA=... python -m benchmarks.errorbars [solvers=nested_sharp,nested] [images=6] [side=128]
    [samples=8] [sigmas=0.05,0.15] [tasks=inpaint,...]

On centres of McMaster photographs the spread of each solver's samples is widened, by one factor
for each task and noise, until 80 % of the true pixels lie within (`inverse calibrate`); then,
with that factor: the share of the pixels of Kodak centres within, and that of means over 8x8 blocks
of both. ``one`` is that share with a single factor of the solver for all tasks and levels; ``crps``
is of the samples as they are, ``crps_mean`` the mean error of their mean, which a sampler without
spread would have.

Writes results/errorbars.json.
"""

import os
import sys
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.baselines.tasks import TASKS, crops
from benchmarks.quality import preset
from benchmarks.record import save
from inverse.apps.configuration import build
from inverse.metrics import crps, relative_error
from inverse.priors import bundled
from inverse.restoring import ErrorBars
from inverse.samplers import Sampler
from inverse.solving import solve
from operators import Rng, gaussian, measure, seed_for

SHARE, BLOCK, AROUND = 0.8, 8, 3
PLACES = {"validation": "mcmaster18", "others": "kodak24_500"}


def errors(sampler: Sampler, task: str, sigma: float, truth: Tensor, count: int) -> dict:
    """Relative errors of pixels and of blocks, one tensor a picture, and CRPS."""
    found: dict[str, list[Tensor]] = {"pixels": [], "blocks": [], "crps": [], "crps_mean": []}
    for n, x0 in enumerate(truth[:, None]):
        rng = Rng([seed_for("errorbars", task, n)])
        problem = measure(TASKS[task](x0.shape[1:], 0), gaussian(sigma), x0, rng)
        seeds = [seed_for("errorbars", task, n, k) for k in range(count)]
        samples = solve(sampler, problem.repeat(count), Rng(seeds)).x0[:, None]
        rough = F.avg_pool2d(samples.flatten(0, 1), BLOCK)[:, None]
        found["pixels"].append(relative_error(samples, x0))
        found["blocks"].append(relative_error(rough, F.avg_pool2d(x0, BLOCK), AROUND))
        found["crps"].append(crps(samples, x0))
        found["crps_mean"].append((samples.mean(0) - x0).abs().mean()[None])
    return found


def held(relative: list[Tensor], factor: float) -> float:
    """The share within the widened spread."""
    return float((torch.cat([e.flatten() for e in relative]) <= factor).float().mean())


def main(
    solvers: str = "nested_sharp,nested",
    images: str = "6",
    side: str = "128",
    samples: str = "8",
    sigmas: str = "0.05,0.15",
    tasks: str = ",".join(TASKS),
) -> None:
    """Measure, write and print."""
    truth = {place: crops(int(images), int(side), name) for place, name in PLACES.items()}
    rows: list[dict[str, Any]] = []
    for solver in solvers.split(","):
        sampler, found = build(preset(solver))(bundled()), {}
        for task in tasks.split(","):
            for sigma in map(float, sigmas.split(",")):
                for place, x0 in truth.items():
                    key = task, sigma, place
                    found[key] = errors(sampler, task, sigma, x0, int(samples))
                    print(solver, *key, flush=True)
        known = [
            e for (*_, place), it in found.items() if place == "validation" for e in it["pixels"]
        ]
        one = ErrorBars.measured(known, int(samples), {}).factors[SHARE]
        for (task, sigma, place), it in found.items():
            same = found[task, sigma, "validation"]["pixels"]
            factor = ErrorBars.measured(same, int(samples), {}).factors[SHARE]
            row = {"solver": solver, "task": task, "sigma": sigma, "pictures": place}
            row |= {"factor": factor, "pixels": held(it["pixels"], factor)}
            row |= {"blocks": held(it["blocks"], factor), "factor_one": one}
            row |= {"one": held(it["pixels"], one)}
            row |= {k: float(torch.cat(it[k]).mean()) for k in ("crps", "crps_mean")}
            rows.append(row)
            print(row, flush=True)
        config = {"solvers": solvers, "images": int(images), "side": int(side)}
        save("errorbars", config | {"samples": int(samples), "share": SHARE}, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
