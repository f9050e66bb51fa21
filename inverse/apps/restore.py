"""`inverse restore`: degrade and restore a photograph, or restore a measurement."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cache, partial
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from torch import Tensor

from inverse.apps.calibrate import error_bars
from inverse.apps.configuration import ConfigurationError, build, expect
from inverse.apps.device import pick_device
from inverse.apps.estimating import DEFAULTS, ESTIMATE, Unknown, estimates
from inverse.apps.failures import Failures
from inverse.apps.filming import Filming, is_asked
from inverse.apps.job import HydraJob
from inverse.apps.progress import ProgressBar
from inverse.apps.requirements import requirements
from inverse.apps.scores import measure, summary
from inverse.apps.values import Count, Name, Natural
from inverse.denoise import Needs, check
from inverse.images import Exposure, ImageError
from inverse.metrics.lpips import SMALLEST_SIDE
from inverse.restoring import (
    Case,
    Outputs,
    Place,
    Reading,
    Report,
    kept,
    measurements,
    photographs,
    simulations,
    skipped,
    truths_of,
)
from inverse.samplers import Sampler, known
from inverse.solving import Budget, ready, solve
from operators import Problem, Rng

FOR = {"size": "image", "shape": "measurement", "truth": "measurement"}  # and no other
Make = Callable[[], tuple[Tensor | None, Case]]


class Values:
    """What may stand in conf/restore.yaml."""

    image: str
    measurement: Name | None
    truth: Name | None
    out: Name | None
    shape: Sequence[Count] | None
    range: Sequence[float] | str | None
    channels: Count | None
    pages: Sequence[Natural] | None
    key: Name | None
    dark: Name | None
    flat: Name | None
    absorbed: bool
    clip: bool | None
    frames: Count | None
    window: Count
    overlap: Natural
    size: Count | None
    seed: Natural
    samples: Count
    bars: Name | None
    device: str
    restorer: Name | None
    error: float | None
    lpips: str | None
    lpips_weights: Name | None
    progress: bool
    budget: Budget
    plan: bool


def run(config: DictConfig) -> None:
    _check(config)
    device, budget = pick_device(config.device), Budget(**config.budget)
    if config.lpips is not None:
        expect(str(config.lpips), list(SMALLEST_SIDE), "lpips")
    if is_asked(config):
        _film(config, Filming(config, device, budget))
    else:
        _photographs(config, device, budget)


def _check(config: DictConfig) -> None:
    """Raise for what would not be heeded."""
    key = "image" if config.measurement is None else "measurement"
    for option, owner in FOR.items():
        if config[option] is not None and owner != key:
            raise ConfigurationError(f"{option} is for {owner}=; with {key}= leave it out")


def _film(config: DictConfig, filming: Filming) -> None:
    folder, x = Path(HydraConfig.get().runtime.output_dir), filming.restore()
    metrics = filming.write(x, *measure(config), folder)
    print(summary(filming.footage.name, metrics, folder, estimates(filming.runs[0].found)))


def _photographs(config: DictConfig, device: str, budget: Budget) -> None:
    planned = budget if config.plan else None
    places = _places(config)
    outputs = None if config.out is None else Outputs(config.out, places, _range(config))
    fitting, unknown = partial(_fitting, requirements(config.solver), outputs), Unknown(config)
    made = _cases(config, places, unknown).items()
    cases = {name: partial(fitting, name, make) for name, make in made}
    folder, failures = Path(HydraConfig.get().runtime.output_dir), Failures(len(cases))
    samplers: dict[int, Sampler] = {}  # by the channels of the pictures
    begin = unknown.begin(config)
    bars = error_bars(config)
    lpips = cache(lambda: measure(config))  # wanted last, and its library is slow to load
    for name, (truth, case) in failures.made(cases):
        for said in filter(None, (case.reading, case.problem.operator.reading)):
            print(f"{name}: {said}")
        channels = case.problem.operator.in_shape[0]
        if channels not in samplers:
            samplers[channels] = _prepared(config, case.problem, planned, unknown).to(device)
        sampler = samplers[channels]
        with failures.noted(name):
            many, seeds = case.samples(config.samples, device)
            with closing(ProgressBar(name, many, budget, enabled=config.progress)) as bar:
                rng = Rng(seeds, device)
                at, watch = begin(many, rng), bar.watch
                result = solve(sampler, many, rng, budget, keep=kept(many), watch=watch, at=at)
            shown, there = None if truth is None else truth[0], many.y.device
            told = known(many, result.found).to("cpu")
            report = Report(shown, told, result.to("cpu"), *lpips(), there, bars)
            place = folder / name if len(cases) > 1 else folder
            print(summary(name, report.write(place), place, estimates(result.found)))
            if outputs and (written := outputs.add(name, result.x0[0])):
                print(f"{name}: -> {written}")
    failures.tell()


def _prepared(
    config: DictConfig, problem: Problem, planned: Budget | None, unknown: Unknown
) -> Sampler:
    """The solver over its prior, which is told how many channels the pictures have."""
    told = {"channels": problem.operator.in_shape[0]} if "grey" in config.prior else {}
    solver = unknown.solver(build(config.solver), problem)
    return ready(solver, build(config.prior, **told), planned)


def _places(config: DictConfig) -> dict[str, Place]:
    """The pictures or measurements that are to be restored, by name."""
    key = "image" if config.measurement is None else "measurement"
    if left := skipped(config[key], key):
        print(f"{config[key]}: skipped, no pictures by their names: {', '.join(left)}")
    return photographs(config[key], key, config.pages)


def _range(config: DictConfig) -> Sequence[float] | str | None:
    return config.range if isinstance(config.range, str | None) else list(config.range)


def _exposure(config: DictConfig) -> Exposure | None:
    frames = config.dark, config.flat, config.absorbed
    if not any(frames):
        return None
    if config.out is not None or config.measurement is None:
        raise ImageError(
            "dark, flat and absorbed make another unit of a measurement's: leave out out=, and "
            "give the file as measurement="
        )
    return Exposure(*frames)


def _cases(config: DictConfig, places: Mapping[str, Place], unknown: Unknown) -> Mapping[str, Make]:
    """What is to be restored by name, each made when it is called for."""
    make, noise = unknown.operator, build(unknown.noise)
    reading = Reading(config.channels, _range(config), config.key, _exposure(config))
    if config.measurement is None:
        return simulations(make, noise, places, config.size, config.seed, reading)
    truths = None if config.truth is None else truths_of(places, config.truth, config.pages)
    return measurements(make, noise, places, config.shape, config.seed, reading, truths)


def _fitting(
    needs: Needs, outputs: Outputs | None, name: str, make: Make
) -> tuple[Tensor | None, Case]:
    """What is made, once it fits the solver and the file to write: before a prior is loaded."""
    truth, case = make()
    check(needs, case.problem, "the solver")
    if outputs:
        outputs.check(name, case.problem.operator.in_shape)
    return truth, case


def main() -> None:
    """The app's entry point."""
    estimated = (*(f"noise.{key}" for key in DEFAULTS), "solver.motion")
    HydraJob(run, "restore", Values, words=dict.fromkeys(estimated, ESTIMATE)).run()
