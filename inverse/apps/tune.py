"""`inverse tune`: choose a solver's constants on validation images, or train through its walk."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from inverse.apps import unrolling
from inverse.apps.configuration import ConfigurationError, build, expect, groups, read
from inverse.apps.device import pick_device
from inverse.apps.job import HydraJob
from inverse.apps.values import Count, Name, Natural
from inverse.files import write_atomic
from inverse.images import sources
from inverse.metrics import LPIPS
from inverse.restoring import Build, photograph
from inverse.samplers import Sampler
from inverse.solving import Budget, ready
from operators import Operator


class Values:
    """What may stand in conf/tune.yaml."""

    method: Literal["search", "unrolled"]
    images: Name
    learn_levels: bool
    out: Name | None
    count: Count
    operators: Sequence[str]
    search: dict | None
    objective: Literal["psnr", "lpips"]
    calls: Count | None
    trials: Count
    study: Name | None
    preset: Name | None
    seed: Natural
    device: str
    lpips: str
    lpips_weights: Name | None
    budget: Budget


def run(config: DictConfig) -> None:
    from inverse.benchmarking.tuning import search

    if config.method == "unrolled":
        unrolling.run(config)
        return
    space = OmegaConf.to_container(config.search) if config.search else None
    if not isinstance(space, dict):
        raise ConfigurationError("search must name what to vary, as 'search={lam: [0.1, 0.5]}'")
    for name in space:
        expect(str(name), [str(k) for k in config.solver if not str(k).startswith("_")], "search")
    first = {str(name): config.solver[name] for name in space}
    kept = (Path(config.study).expanduser(), _asked(config)) if config.study else None
    objective = _objective(config, space)
    study = search(objective, config.trials, first, config.seed, _tell, kept)
    _report(study, Path(HydraConfig.get().runtime.output_dir))
    if not any(trial.state.name == "COMPLETE" for trial in study.trials):
        raise ConfigurationError("no trial came to its end; search fewer steps, or give more calls")
    if config.preset:
        write_atomic(Path(config.preset).expanduser(), _preset(config, study.best_params))
        print(f"restore with it by solver={config.preset}")
    found = " ".join(f"solver.{name}={value}" for name, value in study.best_params.items())
    print(f"best {config.objective} {study.best_value:.4f}: {found}")


def _objective(config: DictConfig, space: dict) -> Any:
    from inverse.benchmarking.tuning import Objective, exams

    device, budget = pick_device(config.device), Budget(**config.budget)
    images = ((sources.name(file), photograph(file)) for file in _images(config))
    asked = exams(images, _tasks(config), build(config.noise), config.seed, device)
    prior = build(config.prior).to(device)

    def make(arguments: dict) -> Sampler:
        solver = build(DictConfig({**config.solver, **arguments}))
        return ready(solver, prior, budget).to(device)

    lpips = None
    if config.objective == "lpips":
        lpips = LPIPS(config.lpips, config.lpips_weights).to(device)
    return Objective(asked, make, space, lpips, budget, config.calls)


def _asked(config: DictConfig) -> str:
    """All of a search but how long it is and where it is written."""
    apart = ("trials", "study", "preset", "out", "device")
    return OmegaConf.to_yaml(
        OmegaConf.masked_copy(config, [str(k) for k in config if k not in apart])
    )


def _preset(config: DictConfig, found: dict[str, Any]) -> str:
    """A choice of solver with what differs from it, as the files of conf/solver say it."""
    choice = HydraConfig.get().runtime.choices["solver"]
    shipped, values = read("solver", choice), {**config.solver, **found}
    changed = {str(k): v for k, v in values.items() if shipped.get(k) != v}
    return OmegaConf.to_yaml({"defaults": [choice, "_self_"], **changed})


def _images(config: DictConfig) -> list[str]:
    """As many as wanted, evenly spread."""
    place = Path(config.images).expanduser()
    found = [str(place / name) for name in sources.inside(place)]
    return found[:: max(1, len(found) // config.count)][: config.count]


def _tasks(config: DictConfig) -> dict[str, Build]:
    def make(choice: str) -> partial[Operator]:
        expect(choice, groups()["operator"], "operator")
        values = {"seed": config.seed, "operator": read("operator", choice)}
        return partial(build, OmegaConf.create(values).operator)

    return {choice: make(choice) for choice in config.operators}


def _tell(study: Any, trial: Any) -> None:
    worth = f"{trial.value:.4f}" if trial.state.name == "COMPLETE" else trial.state.name.lower()
    print(f"trial {trial.number}: {worth}  {trial.params}", flush=True)


def _report(study: Any, folder: Path) -> None:
    """Write trials.csv: one line per trial, with its arguments, its worth and that per task."""
    table = study.trials_dataframe(("number", "state", "value", "params", "user_attrs"))
    write_atomic(folder / "trials.csv", table.to_csv(index=False))
    print(f"{len(table)} trials -> {folder / 'trials.csv'}")


def main() -> None:
    """The app's entry point."""
    HydraJob(run, "tune", Values).run()
