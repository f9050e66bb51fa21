"""`inverse restore`: degrade and restore a photograph, or restore a measurement."""

import sys
from collections.abc import Callable, Mapping, Sequence
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
from inverse.denoise import Needs, check
from inverse.metrics import LPIPS, Unavailable
from inverse.metrics.lpips import SMALLEST_SIDE
from inverse.restoring import Case, Report, measured, simulations
from inverse.solving import Budget, ready, solve
from operators import Rng

SNAPSHOTS = 24  # of the way, at most, in anytime.png
Make = Callable[[], tuple[Tensor | None, Case]]


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
    device, budget = pick_device(config.device), Budget(**config.budget)
    if config.lpips is not None:
        expect(str(config.lpips), list(SMALLEST_SIDE), "lpips")
    planned = budget if config.plan else None
    fitting = partial(_fitting, requirements(config.solver))
    cases = {name: partial(fitting, make) for name, make in _cases(config).items()}
    folder, failures = Path(HydraConfig.get().runtime.output_dir), Failures(len(cases))
    prepared = cache(lambda: ready(build(config.solver), build(config.prior), planned).to(device))
    lpips = cache(lambda: _lpips(config))  # wanted last, and its library is slow to load
    for name, (truth, case) in failures.made(cases):
        if case.problem.operator.reading:
            print(f"{name}: {case.problem.operator.reading}")
        sampler = prepared()
        with failures.noted(name):
            many, seeds = case.samples(config.samples, device)
            with closing(ProgressBar(name, many, budget, enabled=config.progress)) as bar:
                rng = Rng(seeds, device)
                result = solve(sampler, many, rng, budget, keep=SNAPSHOTS, watch=bar.watch)
            shown, there = None if truth is None else truth[0], many.y.device
            report = Report(shown, many.to("cpu"), result.to("cpu"), *lpips(), there)
            place = folder / name if len(cases) > 1 else folder
            _summary(name, report.write(place), place)
    failures.tell()


def _cases(config: DictConfig) -> Mapping[str, Make]:
    """What is to be restored by name, each made when it is called for."""
    make, noise = partial(build, config.operator), build(config.noise)
    if config.measurement is None:
        return simulations(make, noise, config.image, config.size, config.seed)
    path = config.measurement
    return {Path(path).stem: partial(measured, make, noise, path, config.shape, config.seed)}


def _fitting(needs: Needs, make: Make) -> tuple[Tensor | None, Case]:
    """What is made, once it is known to fit the solver: earlier than a prior is loaded."""
    truth, case = make()
    check(needs, case.problem, "the solver")
    return truth, case


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
