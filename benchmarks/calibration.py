"""Calibration: how often the truth lies inside the intervals that a solver's samples span.

python -m benchmarks.calibration mixtures [protocol=mcgdiff] [steps=20] [d=8,80] [m=1,2,4]
    [instances=10] [samples=1000] [methods=nested,...] [name=NAME]
INVERSE_DATA=... python -m benchmarks.calibration kodak [images=2] [side=64] [samples=39]
    [presets=nested] [tasks=inpaint,...] [precision=bf16]
python -m benchmarks.calibration plot

``mixtures``: the problems of `benchmarks.exact_posterior`, whose posterior is known, along 1,000
fixed random directions (see `benchmarks.posterior.intervals`). ``kodak``: the share of true pixels,
and of true means over 8x8 blocks, inside the intervals of a preset's samples, on four tasks; 39
samples span 50, 80 and 95 % exactly. ``spread`` is the standard deviation that the samples claim
over the RMSE that their mean has: 1 if they are honest.

Writes results/calibration_<protocol>_<steps>.json (or NAME.json), calibration_kodak_<presets>.json
and, from all of these, calibration.png.
"""

import os
import sys
from collections import defaultdict

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.baselines.tasks import SIGMA, TASKS, crops
from benchmarks.posterior import METHODS, PROTOCOLS, Instance, instance
from benchmarks.posterior.drawing import plot
from benchmarks.posterior.intervals import LEVELS, intervals
from benchmarks.posterior.measures import project
from benchmarks.posterior.measuring import run
from benchmarks.posterior.methods import Settings
from benchmarks.quality import ours_by_name, problems
from benchmarks.record import save
from inverse.metrics import coverage, crps
from inverse.priors import BUNDLED, load_prior
from inverse.samplers import Sampler
from inverse.solving import solve
from operators import Rng, seed_for

SOLVERS = "nested,nested_posterior,nested_posterior/1,uneven,ddrm,diffpir,daps,pnpdm,dps,pigdm,mmps"
SHOWN = (0.5, 0.8, 0.95)


def mixtures(
    protocol: str = "mcgdiff",
    steps: str = "20",
    d: str = "8,80",
    m: str = "1,2,4",
    instances: str = "10",
    samples: str = "1000",
    methods: str = SOLVERS,
    name: str = "",
) -> None:
    """Measure the solvers where the posterior is known."""
    count, rows = int(samples), []
    name = name or f"calibration_{protocol}_{steps}"
    for size, seen in ((int(i), int(j)) for i in d.split(",") for j in m.split(",")):
        found = defaultdict(lambda: defaultdict(list))
        for index in range(int(instances)):
            given = instance(protocol, size, seen, index)
            exact = project(_draws(given, 4 * count, protocol, size, seen, index))
            for method in ("exact", *methods.split(",")):
                x = _samples(method, given, count, int(steps), (protocol, size, seen, index))
                for key, values in intervals(x, exact).items():
                    found[method][key].append(values)
        for method, values in found.items():
            means = {key: torch.stack(rest).mean(0).tolist() for key, rest in values.items()}
            rows.append({"d": size, "m": seen, "method": method} | means)
            show(rows[-1])
    config = {"protocol": protocol, "steps": int(steps), "instances": int(instances)}
    save(name, config | {"samples": count, "levels": LEVELS}, rows)


def _draws(given: Instance, count: int, *keys: int | str) -> Tensor:
    stream = torch.Generator().manual_seed(seed_for(*keys, "calibration"))
    return given.posterior.sample(count, stream)


def _samples(name: str, given: Instance, count: int, steps: int, keys: tuple) -> Tensor:
    """Samples (count, d) of a solver, or further exact ones."""
    if name == "exact":
        return _draws(given, count, *keys, name)
    settings = Settings(steps, 5 * given.radius, PROTOCOLS[keys[0]].end, count, keys[0])
    return run(METHODS[name](given.prior, settings), given, count, seed_for(*keys, name))[0]


def show(row: dict) -> None:
    """A row with the coverage of 50, 80 and 95 %."""
    at = [min(range(len(LEVELS)), key=lambda i: abs(LEVELS[i] - q)) for q in SHOWN]
    shares = " ".join(f"{row['coverage'][i]:.2f} ({row['miss'][i]:.2f})" for i in at)
    print(row["d"], row["m"], row["method"], shares, f"width {row['width'][0]:.2f}", flush=True)


def kodak(
    images: str = "2",
    side: str = "64",
    samples: str = "39",
    presets: str = "nested",
    precision: str = "float32",
    tasks: str = ",".join(TASKS),
) -> None:
    """Measure presets on photographs: does the truth look like one more sample?"""
    count, rows = int(samples), []
    config = {"images": int(images), "side": int(side), "samples": count, "sigma": SIGMA}
    config |= {"precision": precision}
    samplers = ours_by_name(load_prior(BUNDLED, precision), presets)
    for task in tasks.split(","):
        given = problems(task, crops(int(images), int(side)))
        truth = torch.cat([images for images, _, _ in given])
        for name, sampler in samplers.items():
            row = {"task": task, "method": name} | reliability(clouds(sampler, given, count), truth)
            rows.append(row)
            print({k: v for k, v in row.items() if not isinstance(v, list)}, flush=True)
        save("calibration_kodak_" + presets.replace(",", "_"), config, rows)


def clouds(sampler: Sampler, given: list, count: int) -> Tensor:
    """``count`` samples of every image, (count, B, C, H, W)."""
    found = []
    for _, problem, seeds in given:
        for k, seed in enumerate(seeds):
            rng = Rng([seed_for(seed, j) for j in range(count)])
            found.append(solve(sampler, problem[k : k + 1].repeat(count), rng).x0)
    return torch.stack(found, 1)


def reliability(samples: Tensor, truth: Tensor) -> dict:
    """What K samples (K, B, C, H, W) are worth beside the truth."""
    count = len(samples)
    levels = [1 - 2 * j / (count + 1) for j in range(count // 2, 0, -1)]
    error = (samples.mean(0) - truth).square().mean().sqrt()
    claimed = (samples.var(0) * (1 + 1 / count)).mean().sqrt()
    rough, true = F.avg_pool2d(samples.flatten(0, 1), 8), F.avg_pool2d(truth, 8)
    rough = rough.view(count, *true.shape)
    return {
        "nominal": levels,
        "pixels": [float(coverage(samples, truth, q)[0].mean()) for q in levels],
        "blocks": [float(coverage(rough, true, q)[0].mean()) for q in levels],
        "spread": float(claimed / error),
        "crps": float(crps(samples, truth).mean()),
    }


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    command, *rest = sys.argv[1:]
    options = dict(item.split("=", 1) for item in rest)
    {"mixtures": mixtures, "kodak": kodak, "plot": plot}[command](**options)
