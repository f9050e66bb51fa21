"""``inverse benchmark``: a grid of restorations into one table, resumable."""

import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from inverse.apps.axes import axis
from inverse.apps.configuration import GRID, Job
from inverse.apps.device import pick_device
from inverse.metrics import LPIPS, LPIPSUnavailable
from inverse.solving import Budget

AXES = ("operator", "noise", "solver", "prior")


def run(config: DictConfig) -> None:
    from inverse.benchmarking.engine import Engine
    from inverse.benchmarking.grid import expand, plan
    from inverse.benchmarking.pictures import find
    from inverse.benchmarking.scoring import Conventions, Scorer
    from inverse.benchmarking.sharing import share
    from inverse.benchmarking.store import Store

    values: dict[str, Any] = OmegaConf.to_container(config)  # pyright: ignore
    device = pick_device(config.device)
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    lpips = _lpips(_listed(values["lpips"] or []), config.lpips_weights, device)
    scorer = Scorer(Conventions(config.size, config.rounding, config.border), lpips)
    budget = Budget(**values["budget"])
    settings = {"samples": config.samples, "budget": values["budget"], "size": config.size}
    settings["scoring"] = scorer.identity()
    axes = {name: axis(name, values[name]) for name in AXES}
    store = Store(config.out)
    engine = Engine(
        store, scorer, config.samples, budget, config.batch, device, config.curve, values["keep"]
    )
    units = plan(expand(axes, _listed(values["seeds"]), settings), find(_listed(values["data"])))
    mine = share().of(units)
    pending = store.pending(mine, config.retry)
    print(f"{len(mine)} units of work, {len(mine) - len(pending)} done before -> {config.out}")
    failed: Counter[str] = Counter()
    hidden = not (config.progress and sys.stderr.isatty())
    bar = tqdm(total=len(pending), unit="unit", disable=hidden, file=sys.stderr)
    with bar, _stop_on_interrupt():
        for rows in engine.run(pending):
            bar.update(len({row["unit"] for row in rows}))
            failed.update(_mishap(row) for row in rows if row["status"] != "ok")
    _summary(failed, len(pending), Path(config.out))


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _lpips(networks: list[str], weights: str | None, device: str) -> dict[str, LPIPS]:
    found = {}
    for net in networks:
        try:
            found[f"lpips_{net}"] = LPIPS(net, weights).to(device)
        except LPIPSUnavailable as error:
            print(f"LPIPS is missing: {error}", file=sys.stderr)
    return found


def _mishap(row: dict[str, Any]) -> str:
    return f"{row['solver']} on {row['operator']}: {row['error']}"


def _summary(failed: Counter[str], count: int, folder: Path) -> None:
    total = sum(failed.values())
    print(f"{count - total} done now, {total} failed; look at them: inverse report {folder}")
    for mishap, times in failed.most_common(10):
        print(f"  {times} x {mishap}", file=sys.stderr)


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
    return [f"~{name}", f"+{argument}"] if given and name in AXES else [argument]


def main() -> None:
    """The app's entry point."""
    sys.argv[1:] = [word for argument in sys.argv[1:] for word in _replacing(argument)]
    Job(run, "benchmark", GRID).run()
