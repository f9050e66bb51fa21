"""``inverse restore``: degrade and restore a photograph, or restore a measurement."""

import sys
from functools import partial
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from torch import Tensor

from inverse.apps.configuration import Job, build
from inverse.apps.device import pick_device
from inverse.apps.progress import ProgressBar
from inverse.denoise import Prior
from inverse.latent import decoded
from inverse.measurements import load_measurement
from inverse.metering import Budget
from inverse.metrics import LPIPS, LPIPSUnavailable
from inverse.planning import plan
from inverse.restoration import Report, crop_to_multiple, photographs
from inverse.sampler import Sampler
from inverse.seeds import seed_for
from inverse.solving import solve
from operators import Noise, Problem, Rng, measure

SNAPSHOTS = 24  # of the way, at most, in anytime.png


def run(config: DictConfig) -> None:
    device = pick_device(config.device)
    budget, noise = Budget(**config.budget), build(config.noise)
    if config.samples < 1:
        raise ValueError(f"samples must be at least 1, got {config.samples}")
    images, problems = problems_of(config, noise)
    sampler = sampler_of(config, build(config.prior), budget).to(device)
    lpips, missing = _lpips(config) if images else (None, None)
    folder = Path(HydraConfig.get().runtime.output_dir)
    for name, problem in problems.items():
        many, rng = sampled(config, name, problem, device)
        with ProgressBar(name, many, budget, enabled=config.progress) as bar:
            result = solve(sampler, many, rng, budget, keep=SNAPSHOTS, watch=bar.watch)
        truth = images.get(name)
        report = Report(truth, many.to("cpu"), result.to("cpu"), lpips, missing)
        place = folder / name if len(problems) > 1 else folder
        _summary(name, report.write(place), place)


def problems_of(config: DictConfig, noise: Noise) -> tuple[dict[str, Tensor], dict[str, Problem]]:
    """The photographs by name, each (3, H, W), none in real mode; and their measured problems."""
    factor = int(config.operator.get("factor", 1))
    if config.measurement is not None:
        make = partial(build, config.operator)
        operator, y = load_measurement(config.measurement, make, factor, config.shape)
        return {}, {Path(config.measurement).stem: Problem(operator, noise, y)}
    images = photographs(config.image, config.size)
    images = {name: crop_to_multiple(x, factor) for name, x in images.items()}
    problems = {}
    for name, x in images.items():
        operator = build(config.operator, tuple(x.shape))
        rng = Rng([seed_for(config.seed, name, "measurement")])
        problems[name] = measure(operator, noise, x[None], rng)
    return images, problems


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
    if config.lpips is None:
        return None, "not asked for"
    try:
        return LPIPS(config.lpips, config.lpips_weights), None
    except LPIPSUnavailable as error:
        print(f"LPIPS is missing: {error}", file=sys.stderr)
        return None, str(error)


def _summary(name: str, metrics: dict, folder: Path) -> None:
    scores = [f"PSNR {metrics['psnr'][0]:.2f} dB"] if "psnr" in metrics else []
    if metrics.get("lpips"):
        scores.append(f"LPIPS {metrics['lpips'][0]:.3f}")
    stopped = "" if metrics["finished"] else " (stopped early, best so far)"
    scores.append(f"{metrics['nfe']} network calls in {metrics['seconds']:.1f} s{stopped}")
    print(f"{name}: {', '.join(scores)} -> {folder}")


def main() -> None:
    """The app's entry point."""
    Job(run, "restore").run()
