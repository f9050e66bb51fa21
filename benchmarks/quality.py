"""Quality on Kodak: our presets beside classical and plug-and-play baselines, on four tasks.

INVERSE_DATA=... python -m benchmarks.quality baselines [images=24] [tasks=inpaint,...]
INVERSE_DATA=... python -m benchmarks.quality ffdnet [the same options]
INVERSE_DATA=... python -m benchmarks.quality ours [precision=bf16] [prior=ffdnet] [presets=nested]
INVERSE_DATA=... python -m benchmarks.quality vanilla [the same options]
python -m benchmarks.quality table

Centre 256x256 crops; noise of standard deviation 0.05 on the [-1, 1] range; one sample each. The
curve of a method is PSNR and LPIPS after every step. Vanilla is the same prior, data step, start
and number of network calls without nesting: its curve is that of plain x0 predictions.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import torch
from omegaconf import DictConfig
from torch import Tensor

from benchmarks.baselines import suite
from benchmarks.baselines.ffdnet import FFDNetPrior, load_ffdnet
from benchmarks.baselines.tasks import SIGMA, TASKS, crops
from benchmarks.record import RESULTS, save
from inverse.apps.configuration import build, read
from inverse.denoise import Prior
from inverse.metrics import LPIPS, score
from inverse.priors import BUNDLED, load_prior
from inverse.samplers import Process, Sampler
from inverse.solving import solve
from operators import Operator, Problem, Rng, gaussian, measure, seed_for

BATCH, ALL = 4, ",".join(TASKS)


def preset(name: str) -> DictConfig:
    """A solver's configuration as `conf/solver` ships it."""
    return read("solver", name)


def named(prior: str, precision: str = "float32") -> Prior:
    """``bundled``, ``ffdnet``, or the prior of a file."""
    if prior == "ffdnet":
        return FFDNetPrior()
    return load_prior(BUNDLED if prior == "bundled" else prior, precision)


def ours_by_name(prior: Prior, names: str) -> dict[str, Sampler]:
    """Our samplers."""
    return {name: build(preset(name))(prior) for name in names.split(",")}


def vanilla(prior: Prior, nfe: int | None = None) -> dict[str, Sampler]:
    """The preset ``plain``: as many calls as ``nested``, same network, data step and start."""
    config = preset("plain")
    config.update({"outer_steps": nfe or config.outer_steps})
    return {"vanilla": build(config)(prior)}


def calls(process: Process) -> int:
    """The network calls of a one-step or nested process."""
    return round(sum(map(process.cost, process.grid(None)[:-1])))


def problems(
    task: str, truth: Tensor, make: Callable[..., Operator] | None = None
) -> list[tuple[Tensor, Problem, list[int]]]:
    """Batches of (truth, problem, seeds of the samples), the same for every method."""
    operator = (make or TASKS[task])(truth.shape[1:], seed_for(0, task, "operator"))
    out = []
    for first in range(0, len(truth), BATCH):
        images = truth[first : first + BATCH]
        keys = range(first, first + len(images))
        noise = Rng([seed_for(0, task, k, "noise") for k in keys])
        problem = measure(operator, gaussian(SIGMA), images, noise)
        out.append((images, problem, [seed_for(0, task, k, "sample") for k in keys]))
    return out


Restored = tuple[Tensor, list, int, int]
"""A restoration, its snapshots, its forward and its backward network calls."""


def restore(sampler: Sampler, problem: Problem, seeds: list[int], keep: int = 1000) -> Restored:
    """What a sampler makes of a problem, and ``keep`` estimates on the way."""
    result = solve(sampler, problem, Rng(seeds), keep=keep)
    return result.x0, list(result.snapshots), result.nfe, result.backward


def run(methods: Callable[[str], dict[str, Callable]], count: int, tasks: str) -> list[dict]:
    """One row per task and method: means over the images."""
    truth, lpips, rows = crops(count), LPIPS("alex"), []
    for task in tasks.split(","):
        for name, method in methods(task).items():
            found, _ = measured(method, problems(task, truth), lpips)
            rows.append({"task": task, "method": name} | found)
            figures = " ".join(f"{k} {rows[-1][k]:.3f}" for k in ("psnr", "ssim", "lpips"))
            print(f"{task:9}{name:16}{figures} {rows[-1]['seconds']:.2f} s/image", flush=True)
    return rows


def measured(
    method: Callable[[Problem, list[int]], Restored], given: list, lpips: LPIPS
) -> tuple[dict, Tensor]:
    """The means over `problems` of a method's figures, and its restoration of the first image."""
    scores, curve, firsts = defaultdict(list), defaultdict(list), []
    seconds, nfe, backward = 0.0, 0, 0
    for images, problem, seeds in given:
        begin = time.perf_counter()
        x, snapshots, nfe, backward = method(problem, seeds)
        seconds += time.perf_counter() - begin
        firsts.append(x[0])
        for key, values in score(x, images, lpips).items():
            scores[key] += values
        scores["residual"] += problem.relative_residual(x).tolist()
        for s in snapshots:
            found = score(s.x0, images, lpips)
            curve[s.nfe].append((sum(found["psnr"]), sum(found["lpips"])))
    row: dict = {key: sum(values) / len(values) for key, values in scores.items()}
    count = len(scores["residual"])
    row |= {"nfe": nfe, "backward": backward, "seconds": seconds / count, "images": count}
    if curve:
        row["curve"] = [
            {"nfe": n, "psnr": sum(p) / count, "lpips": sum(q) / count}
            for n, (p, q) in ((n, zip(*pairs, strict=True)) for n, pairs in curve.items())
        ]
    return row, firsts[0]


def baselines(count: int = 24, tasks: str = ALL) -> None:
    """Measure the classical baselines, and the restoration that our presets start from."""

    def methods(task: str) -> dict[str, Callable]:
        plain = {name: partial(_alone, method) for name, method in suite(task).items()}
        return plain | {"wiener_start": partial(_alone, _wiener)}

    save("quality_baselines", {"images": count, "sigma": SIGMA}, run(methods, count, tasks))


def plug_and_play(count: int = 24, tasks: str = ALL) -> None:
    """Measure plug-and-play HQS with FFDNet."""
    net = load_ffdnet()

    def methods(task: str) -> dict[str, Callable]:
        return {"ffdnet_pnp": partial(_alone, suite(task, net)["ffdnet_pnp"])}

    save("quality_ffdnet", {"images": count, "sigma": SIGMA}, run(methods, count, tasks))


def _alone(method: Callable[[Problem], Tensor], problem: Problem, seeds: list[int]) -> Restored:
    return method(problem), [], 0, 0


def _wiener(problem: Problem) -> Tensor:
    from inverse.starts import wiener

    return wiener(problem)


def ours(
    count: int = 24,
    tasks: str = ALL,
    precision: str = "float32",
    prior: str = "bundled",
    presets: str = "nested,nested_mean",
    plain: bool = False,
) -> None:
    """Measure our presets, or the plain chain, with the bundled prior, a file's, or FFDNet."""
    network = named(prior, precision)
    samplers = vanilla(network) if plain else ours_by_name(network, presets)

    def methods(task: str) -> dict[str, Callable]:
        return {name: partial(restore, sampler) for name, sampler in samplers.items()}

    config = {"images": count, "sigma": SIGMA, "precision": precision, "tasks": tasks}
    some = "" if tasks == ALL else "_" + tasks.replace(",", "_")
    with_ffdnet = "_with_ffdnet" if prior == "ffdnet" else ""
    name = "quality_" + ("vanilla" if plain else presets.replace(",", "_")) + some + with_ffdnet
    save(name, config, run(methods, count, tasks))


def table() -> None:
    """Print both result files as one Markdown table."""
    rows = []
    for path in sorted(RESULTS.glob("quality_*.json")):
        rows += json.loads(path.read_text())["rows"]
    print("| task | method | PSNR | SSIM | LPIPS | NFE | s/image |\n|---|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda r: list(TASKS).index(r["task"])):
        figures = f"{row['psnr']:.2f} | {row['ssim']:.3f} | {row['lpips']:.3f}"
        cost = f"{row['nfe']} | {row['seconds']:.1f}"
        print(f"| {row['task']} | {row['method']} | {figures} | {cost} |")


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    command, *rest = sys.argv[1:] or ["table"]
    options: dict = dict(item.split("=", 1) for item in rest)
    if "images" in options:
        options["count"] = int(options.pop("images"))
    commands = {"baselines": baselines, "ffdnet": plug_and_play, "ours": ours, "table": table}
    commands["vanilla"] = partial(ours, plain=True)
    commands[command](**options)
