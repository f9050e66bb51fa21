"""``inverse restore``: degrade and restore a photograph, or restore a measurement."""

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache, partial
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from torch import Tensor

from inverse.apps.configuration import build, expect
from inverse.apps.device import pick_device
from inverse.apps.failures import Failures
from inverse.apps.job import HydraJob
from inverse.apps.progress import ProgressBar
from inverse.apps.requirements import requirements
from inverse.apps.values import Count, Name, Natural
from inverse.denoise import Needs, Prior, check
from inverse.images import load_measurement
from inverse.metrics import LPIPS, Unavailable
from inverse.metrics.lpips import SMALLEST_SIDE
from inverse.restoring import Report, crop_to_multiple, photograph, photographs
from inverse.samplers import Sampler, decoded
from inverse.solving import Budget, plan, solve
from operators import Noise, Problem, Rng, measure, seed_for

SNAPSHOTS = 24  # of the way, at most, in anytime.png
Make = Callable[[], tuple[Tensor | None, Problem]]


class Values:
    """What may stand in conf/restore.yaml."""

    image: str
    measurement: Name | None
    shape: Sequence[Count] | None
    size: Count | None
    seed: Natural
    samples: Count
    device: str
    lpips: str | None
    lpips_weights: Name | None
    progress: bool
    budget: Budget
    plan: bool


def run(config: DictConfig) -> None:
    device = pick_device(config.device)
    budget, noise = Budget(**config.budget), build(config.noise)
    if config.lpips is not None:
        expect(str(config.lpips), list(SMALLEST_SIDE), "lpips")
    fitting = partial(_fitting, requirements(config.solver))
    problems = {name: partial(fitting, make) for name, make in problems_of(config, noise).items()}
    folder, failures = Path(HydraConfig.get().runtime.output_dir), Failures(len(problems))
    prepared = cache(lambda: sampler_of(config, build(config.prior), budget).to(device))
    lpips = cache(lambda: _lpips(config))  # wanted last, and its library is slow to load
    for name, (truth, problem) in failures.made(problems):
        if problem.operator.reading:
            print(f"{name}: {problem.operator.reading}")
        sampler = prepared()
        with failures.noted(name):
            many, rng = sampled(config, name, problem, device)
            with closing(ProgressBar(name, many, budget, enabled=config.progress)) as bar:
                result = solve(sampler, many, rng, budget, keep=SNAPSHOTS, watch=bar.watch)
            there = many.y.device
            report = Report(truth, many.to("cpu"), result.to("cpu"), *lpips(), there)
            place = folder / name if len(problems) > 1 else folder
            _summary(name, report.write(place), place)
    failures.tell()


def problems_of(config: DictConfig, noise: Noise) -> dict[str, Make]:
    """What is to be restored by name, each made when it is called for: read, its operator built.

    Made, it is the photograph (3, H, W), None in real mode, and its measured problem.
    """
    if config.measurement is not None:
        return {Path(config.measurement).stem: partial(_measured, config, noise)}
    found = photographs(config.image)
    return {name: partial(_simulated, config, noise, name, found[name]) for name in found}


def _measured(config: DictConfig, noise: Noise) -> tuple[None, Problem]:
    make, factor = partial(build, config.operator), int(config.operator.get("factor", 1))
    operator, y = load_measurement(config.measurement, make, factor, config.shape)
    return None, Problem(operator, noise, y)


def _simulated(config: DictConfig, noise: Noise, name: str, source: str) -> tuple[Tensor, Problem]:
    x = crop_to_multiple(photograph(source, config.size), int(config.operator.get("factor", 1)))
    rng = Rng([seed_for(config.seed, name, "measurement")])
    return x, measure(build(config.operator, tuple(x.shape)), noise, x[None], rng)


def _fitting(needs: Needs, make: Make) -> tuple[Tensor | None, Problem]:
    """What is made, once it is known to fit the solver: earlier than a prior is loaded."""
    truth, problem = make()
    check(needs, problem, "the solver")
    return truth, problem


def sampler_of(config: DictConfig, prior: Prior, budget: Budget) -> Sampler:
    """The solver over the prior, its steps planned for the budget unless the user says no."""
    sampler = decoded(build(config.solver)(prior), prior)
    return plan(sampler, budget) if config.plan else sampler


def sampled(config: DictConfig, name: str, problem: Problem, device: str) -> tuple[Problem, Rng]:
    """The problem of all samples of one image, on the device, and their streams."""
    seeds = [seed_for(config.seed, name, "sample", k) for k in range(config.samples)]
    y = problem.y.expand(len(seeds), *problem.y.shape[1:])
    return Problem(problem.operator, problem.noise, y).to(device), Rng(seeds, device)


def _lpips(config: DictConfig) -> tuple[LPIPS | None, str | None]:
    if config.lpips is None or config.measurement is not None:
        return None, "not asked for"
    try:
        return LPIPS(config.lpips, config.lpips_weights), None
    except Unavailable as error:
        print(f"LPIPS is missing: {error}", file=sys.stderr)
        return None, str(error)


def _summary(name: str, metrics: dict, folder: Path) -> None:
    scores = [f"PSNR {metrics['psnr'][0]:.2f} dB"] if "psnr" in metrics else []
    if metrics.get("lpips"):
        scores.append(f"LPIPS {metrics['lpips'][0]:.3f}")
    scores += [f"no {key.upper()}" for key in ("ssim", "lpips") if metrics.get(key, 0) is None]
    stopped = "" if metrics["finished"] else " (stopped early, best so far)"
    scores.append(f"{metrics['nfe']} network calls in {metrics['seconds']:.1f} s{stopped}")
    print(f"{name}: {', '.join(scores)} -> {folder}")


def main() -> None:
    """The app's entry point."""
    HydraJob(run, "restore", Values).run()
