"""`inverse certify`: is a posterior sample a posterior sample?"""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from inverse.apps.configuration import ConfigurationError, build, expect
from inverse.apps.job import HydraJob
from inverse.apps.values import Count, Name, Natural
from inverse.benchmarking.provenance import provenance
from inverse.certifying import LAWS, TASKS, Draw, called, examine, page, sampled, trials
from inverse.files import as_json, write_atomic
from inverse.priors import load_function
from inverse.solving import Budget, ready

OWN = re.compile(r"solver=(?P<place>.+:\w+)")


class Values:
    """What may stand in conf/certify.yaml."""

    function: Name | None
    laws: Sequence[str]
    tasks: Sequence[str]
    mixtures: bool
    measurements: Count
    samples: Count
    seed: Natural
    budget: Budget
    out: Name


def run(config: DictConfig) -> None:
    for name, known in (("laws", tuple(LAWS)), ("tasks", TASKS)):
        for choice in config[name]:
            expect(choice, known, name)
    draw, rows = _draw(config), []
    chosen = list(config.laws), list(config.tasks), config.mixtures, config.measurements
    for trial in trials(*chosen, config.seed):
        rows.append(examine(trial, draw, config.samples, config.seed))
        print(f"{trial.name}: {rows[-1].get('error') or rows[-1]['verdict']}", flush=True)
    if not rows:
        raise ConfigurationError("nothing to certify on: give laws and tasks, or mixtures=true")
    if all("error" in row for row in rows):
        raise RuntimeError(f"every problem failed, the first with {rows[0]['error']}")
    print(_write(config, rows))


def _draw(config: DictConfig) -> Draw:
    if config.function is not None:
        return called(load_function(config.function, "function"))
    values = dict(config.solver)
    if "equivariant" in values:
        values["equivariant"] = False  # turns and flips are of images
    solver, budget = build(DictConfig(values)), Budget(**config.budget)
    return sampled(lambda prior: ready(solver, prior, budget), budget)


def _write(config: DictConfig, rows: list[dict]) -> Path:
    """The page's path."""
    about = {"command": shlex.join(["inverse", "certify", *sys.argv[1:]])}
    about |= {"measurements": config.measurements, "samples of each": config.samples}
    about |= provenance("cpu")
    name = config.function or str(config.solver["_target_"]).rpartition(".")[2]
    folder = Path(config.out)
    folder.mkdir(parents=True, exist_ok=True)
    record = {"solver": name, **about, "rows": rows}
    write_atomic(folder / "certificate.json", as_json(record, indent=1))
    write_atomic(folder / "index.html", page(f"Certificate: {name}", rows, about))
    return folder / "index.html"


def main() -> None:
    """The app's entry point."""
    words = [OWN.sub(r"function=\g<place>", word) for word in sys.argv[1:]]
    sys.argv[1:] = words
    HydraJob(run, "certify", Values).run()
