"""`inverse calibrate`: measure how far the mean of samples is from the truth, for error bars."""

from contextlib import closing
from functools import partial
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from inverse.apps.configuration import ConfigurationError, build
from inverse.apps.device import pick_device
from inverse.apps.job import HydraJob
from inverse.apps.progress import ProgressBar
from inverse.apps.requirements import requirements
from inverse.apps.values import Count, Name, Natural
from inverse.denoise import check
from inverse.metrics import relative_error
from inverse.restoring import Case, ErrorBars, photographs, simulations
from inverse.samplers import Sampler
from inverse.solving import Budget, ready, solve
from operators import Rng

SETTING = ("operator", "noise", "solver", "prior")


class Values:
    """What may stand in conf/calibrate.yaml."""

    images: Name | None
    size: Count | None
    samples: Count
    out: Name
    seed: Natural
    device: str
    progress: bool


def run(config: DictConfig) -> None:
    if config.images is None:
        raise ConfigurationError("images is missing: give a folder of clean ones, images=FOLDER")
    if config.samples < 2:
        raise ConfigurationError("samples must be 2 at least: one has no spread")
    device, needs = pick_device(config.device), requirements(config.solver)
    make, noise = partial(build, config.operator), build(config.noise)
    cases = simulations(make, noise, photographs(config.images), config.size, config.seed)
    sampler, errors = None, []
    for name, made in cases.items():
        truth, case = made()
        check(needs, case.problem, "the solver")
        sampler = sampler or ready(build(config.solver), build(config.prior)).to(device)
        errors.append(relative_error(_samples(config, name, case, sampler, device), truth))
    bars = ErrorBars.measured(errors, config.samples, setting(config))
    bars.save(config.out)
    told = ", ".join(f"{share:.0%} by {factor:.2f}" for share, factor in bars.factors.items())
    print(
        f"spread of {config.samples} samples on {len(errors)} pictures, widened to hold {told}"
        f" -> {config.out}"
    )


def _samples(config: DictConfig, name: str, case: Case, sampler: Sampler, device: str) -> Tensor:
    """Samples of a picture, (K, 1, C, H, W)."""
    many, seeds = case.samples(config.samples, device)
    with closing(ProgressBar(name, many, Budget(), enabled=config.progress)) as bar:
        return solve(sampler, many, Rng(seeds, device), watch=bar.watch).x0[:, None].cpu()


def setting(config: DictConfig) -> dict[str, Any]:
    """What error bars depend on, in plain values; no seeds."""
    groups: dict[str, Any] = {
        group: OmegaConf.to_container(config[group], resolve=True) for group in SETTING
    }
    return {group: {k: v for k, v in it.items() if k != "seed"} for group, it in groups.items()}


def error_bars(config: DictConfig) -> ErrorBars | None:
    """The bars that `inverse restore` was given, if they fit.

    Raises:
        ConfigurationError: with a budget, with which a walk is not the one that was measured.
        ValueError, FileNotFoundError: as `ErrorBars.load` and `check`.
    """
    if config.bars is None:
        return None
    if config.budget.nfe is not None or config.budget.seconds is not None:
        raise ConfigurationError("bars= are of whole walks; leave out budget, or bars")
    bars = ErrorBars.load(config.bars)
    bars.check(config.samples, setting(config))
    return bars


def main() -> None:
    """The app's entry point."""
    HydraJob(run, "calibrate", Values).run()
