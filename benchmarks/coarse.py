"""Coarse to fine: quality against call equivalents, beside `nested`, on four tasks.

INVERSE_DATA=... python -m benchmarks.coarse [images=6] [side=128] [folder=mcmaster18]
    [tasks=inpaint,...] [presets=nested,nested_coarse] [name=coarse_mcmaster]

A call on images of 1/f of the side counts 1/f^2. PSNR and LPIPS after each outer step; noise of
standard deviation 0.05, the bundled prior, one sample each.
"""

import os
import sys
from collections import defaultdict

import torch
from torch import Tensor

from benchmarks.baselines.tasks import SIGMA, TASKS, crops
from benchmarks.quality import named, ours_by_name, problems
from benchmarks.record import earlier, save
from inverse.metrics import LPIPS, score
from inverse.samplers import Sampler
from inverse.solving import Meter
from operators import Rng


def followed(sampler: Sampler, given: list, lpips: LPIPS) -> list[dict]:
    """The means over `problems` after each outer step: {calls, psnr, lpips}."""
    found: dict[float, list[tuple[float, float]]] = defaultdict(list)
    for truth, problem, seeds in given:
        meter = Meter(samples=len(problem))
        with meter.on(sampler):
            for iterate in sampler.iterate(problem, Rng(seeds)):
                scores = score(iterate.x0, truth, lpips)
                found[meter.calls] += zip(scores["psnr"], scores["lpips"], strict=True)
    return [
        {"calls": calls} | dict(zip(("psnr", "lpips"), _means(pairs), strict=True))
        for calls, pairs in found.items()
    ]


def _means(pairs: list[tuple[float, float]]) -> list[float]:
    return Tensor(pairs).mean(0).tolist()


def main(
    images: str = "6",
    side: str = "128",
    folder: str = "mcmaster18",
    tasks: str = ",".join(TASKS),
    presets: str = "nested,nested_coarse",
    name: str = "coarse_mcmaster",
) -> None:
    """Measure, print, and write after every task."""
    lpips, truth, rows = LPIPS("alex"), crops(int(images), int(side), folder), []
    samplers = ours_by_name(named("bundled"), presets)
    config = {"images": len(truth), "side": int(side), "folder": folder, "sigma": SIGMA}
    for task in tasks.split(","):
        for preset, sampler in samplers.items():
            curve = followed(sampler, problems(task, truth), lpips)
            rows.append({"task": task, "preset": preset, "curve": curve})
            shown = " ".join(f"{p['calls']:.3g}: {p['psnr']:.2f} {p['lpips']:.3f}" for p in curve)
            print(f"{task:9}{preset:16}{shown}", flush=True)
        save(name, config, earlier(name, config, rows, ("task", "preset")) + rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
