"""`inverse benchmark`: a grid of restorations into one table, resumable."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from omegaconf import DictConfig, OmegaConf

from inverse.apps.axes import GROUPS, cells
from inverse.apps.configuration import GRID, expect
from inverse.apps.device import pick_device
from inverse.apps.job import HydraJob
from inverse.apps.progress import Watch
from inverse.apps.values import Count, Name, Natural
from inverse.metrics import DISTS, LPIPS, Unavailable
from inverse.solving import Budget

if TYPE_CHECKING:
    from inverse.benchmarking.engine import Engine
    from inverse.benchmarking.grid import Unit


class Cores:
    """What may stand under ray in conf/_grid/benchmark.yaml."""

    address: Name | None
    workers: Count | None
    cpus: Count
    attempts: Count


class Values:
    """What may stand in conf/_grid/benchmark.yaml besides the axes of parts."""

    data: str | Sequence[str]
    grids: Sequence[dict] | None
    seeds: Natural | Sequence[Natural]
    samples: Count
    size: Count | None
    rounding: str
    border: Natural
    lpips: str | Sequence[str] | None
    dists: bool
    lpips_weights: Name | None
    budget: Budget
    out: Name
    batch: Count
    curve: Natural
    keep: Sequence[str]
    retry: bool
    device: str
    progress: bool
    launcher: str
    ray: Cores


def run(config: DictConfig) -> None:
    from inverse.benchmarking.engine import Engine
    from inverse.benchmarking.grid import list_units
    from inverse.benchmarking.pictures import checksum, find
    from inverse.benchmarking.scoring import Conventions, Scorer
    from inverse.benchmarking.store import Store

    values: dict[str, Any] = OmegaConf.to_container(config)  # pyright: ignore
    expect(config.launcher, ("local", "ray"), "launcher")
    networks = dict(_networks(values))
    scorer = Scorer(Conventions(config.size, config.rounding, config.border), networks)
    budget = Budget(**values["budget"])
    settings = {"samples": config.samples, "budget": values["budget"], "size": config.size}
    settings["scoring"] = scorer.identity()
    grid = list(cells(values, _listed(values["seeds"]), settings))
    engine = Engine(
        Store(config.out),
        scorer,
        config.samples,
        budget,
        config.batch,
        _device(config.device, config.launcher),
        config.curve,
        values["keep"],
    )
    pictures = find(_listed(values["data"]))
    for name, (count, digest) in checksum(pictures).items():
        print(f"data {name}: {count} pictures, sha256 {digest[:16]}")
    _work(engine, list_units(grid, pictures), config)


def _work(engine: "Engine", units: list["Unit"], config: DictConfig) -> None:
    """Run what is pending of them, or of this process's share, and say how it goes."""
    from inverse.benchmarking.sharing import share

    own = units if config.launcher == "ray" else share().of(units)
    pending = engine.store.pending(own, config.retry)
    print(f"{len(own)} units of work, {len(own) - len(pending)} done before -> {config.out}")
    with ExitStack() as stack:
        stack.enter_context(_stop_on_interrupt())
        runner = engine
        if config.launcher == "ray" and pending:
            from inverse.benchmarking.cluster import Cluster

            runner = stack.enter_context(Cluster(engine, **config.ray))
        watch = Watch(len(pending), enabled=config.progress, workers=runner.workers)
        stack.callback(watch.close)
        for rows in runner.run(pending):
            watch.update(rows, runner.states)
    watch.summary(Path(config.out))


def _device(name: str, launcher: str) -> str:
    if launcher == "ray":  # which hands out GPUs itself; this machine may have none
        expect(name, ("auto", "cpu", "cuda"), "device of Ray's workers")
        return name
    device = pick_device(name)
    if device == "cuda":
        rank = int(os.environ.get("LOCAL_RANK", 0))  # there may be more processes than GPUs
        return f"cuda:{rank % torch.cuda.device_count()}"
    return device


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _networks(values: dict[str, Any]) -> Iterator[tuple[str, LPIPS | DISTS]]:
    """The perceptual measures by their columns; what cannot be had is told."""
    wanted: dict[str, Callable[[str | None], LPIPS | DISTS]]
    wanted = {f"lpips_{net}": partial(LPIPS, net) for net in _listed(values["lpips"] or [])}
    if values["dists"]:
        wanted["dists"] = DISTS
    for name, make in wanted.items():
        try:
            yield name, make(values["lpips_weights"])
        except Unavailable as error:
            print(f"{name} is missing: {error}", file=sys.stderr)


@contextmanager
def _stop_on_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the run at once: `solve` would take it for the end of a restoration."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(130)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _replacing(argument: str) -> list[str]:
    """An axis given anew replaces the default: Hydra would merge the two, or fail to."""
    name, given, _ = argument.partition("=")
    return [f"~{name}", f"+{argument}"] if given and name in GROUPS else [argument]


def main() -> None:
    """The app's entry point."""
    sys.argv[1:] = [word for argument in sys.argv[1:] for word in _replacing(argument)]
    HydraJob(run, "benchmark", Values, GRID).run()
