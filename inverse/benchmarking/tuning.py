"""Choosing a solver's constants on validation images, by Optuna, under a budget of calls."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from inverse.metrics import LPIPS, psnr
from inverse.restoring import Build, simulated
from inverse.samplers import Sampler
from inverse.solving import Budget, Diverged, NothingReady, solve
from operators import Noise, Problem, Rng

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial


class Exam(NamedTuple):
    """A task on images (B, 3, H, W): their measurement, and the seeds of their restorations."""

    task: str
    truth: Tensor
    problem: Problem
    seeds: list[int]


def exams(
    images: Iterable[tuple[str, Tensor]],
    tasks: Mapping[str, Build],
    noise: Noise,
    seed: int = 0,
    device: str = "cpu",
) -> list[Exam]:
    """Every task on every image, (name, (3, H, W)), as `inverse restore` does it with the seed.

    Images lie on the CPU, so that what is measured depends on no device, to which it goes then;
    those of one size go together.
    """
    sizes: dict[tuple[int, ...], list[tuple[str, Tensor]]] = {}
    for name, x in images:
        sizes.setdefault(tuple(x.shape), []).append((name, x))
    found = []
    for task, make in tasks.items():
        for group in sizes.values():
            names, pictures = zip(*group, strict=True)
            truth, case = simulated(make, noise, names, torch.stack(pictures), seed)
            found.append(Exam(task, truth.to(device), *case.samples(1, device)))
    return found


@dataclass
class Objective:
    """What a trial is worth: the mean over tasks of the mean PSNR or LPIPS over images.

    Attributes:
        exams: of `exams`. make: arguments of the solver -> sampler.
        space: argument -> its choices (a list), or its range {low, high[, log]}.
        lpips: scores by LPIPS where given, else by PSNR. budget: of one restoration.
        calls: a walk that needs more is no candidate (a budget cuts it short, or plans it anew).

    Raises:
        ValueError: for a space that is none, and images too small for LPIPS.
    """

    exams: Sequence[Exam]
    make: Callable[[dict[str, Any]], Sampler]
    space: dict[str, Any]
    lpips: LPIPS | None = None
    budget: Budget = field(default_factory=Budget)
    calls: int | None = None

    def __post_init__(self) -> None:
        if self.lpips is not None:
            for exam in self.exams:
                self.lpips.check(exam.truth.shape)
        for name, values in self.space.items():
            wrong = not values if isinstance(values, list) else not _is_range(values)
            if wrong:
                raise ValueError(
                    f"search.{name} must be a list of choices or {{low: .., high: ..}} with "
                    f"low < high, got {values}"
                )

    def __call__(self, trial: "Trial") -> float:
        """The worth of a trial's arguments; told task by task, so that it can be cut short."""
        from optuna import TrialPruned

        try:
            sampler = self.make({name: self._suggest(trial, name) for name in self.space})
            totals: dict[str, list[float]] = {}
            for step, exam in enumerate(self.exams):
                totals.setdefault(exam.task, []).extend(self._score(sampler, exam))
                means = [sum(values) / len(values) for values in totals.values()]
                trial.report(sum(means) / len(means), step)
                if trial.should_prune():
                    raise TrialPruned
        except (Diverged, NothingReady) as failure:
            raise TrialPruned(str(failure)) from failure
        for task, values in totals.items():
            trial.set_user_attr(task, sum(values) / len(values))
        return sum(means) / len(means)

    def _suggest(self, trial: "Trial", name: str) -> Any:
        values = self.space[name]
        if isinstance(values, list):
            return trial.suggest_categorical(name, values)
        low, high, log = values["low"], values["high"], values.get("log", False)
        whole = isinstance(low, int) and isinstance(high, int)
        suggest = trial.suggest_int if whole else trial.suggest_float
        return suggest(name, low, high, log=log)

    def _score(self, sampler: Sampler, exam: Exam) -> list[float]:
        rng = Rng(exam.seeds, exam.problem.y.device)
        budget = self.budget if self.calls is None else Budget(nfe=self.calls)
        result = solve(sampler, exam.problem, rng, budget)
        if self.calls is not None and not result.finished:
            raise NothingReady(f"the walk needs more than {self.calls} calls")
        x = result.x0
        values = psnr(x, exam.truth) if self.lpips is None else self.lpips(x, exam.truth)
        return values.tolist()


def _is_range(values: Any) -> bool:
    return isinstance(values, dict) and values.get("low", math.inf) < values.get("high", -math.inf)


def search(
    objective: Objective,
    trials: int,
    first: dict[str, Any],
    seed: int = 0,
    watch: Callable[["Study", "FrozenTrial"], None] | None = None,
    kept: tuple[Path, str] | None = None,
) -> "Study":
    """Try `first`, then up to `trials` settings in all: the whole grid where it is finite and
    small enough, else Optuna's tree-structured Parzen estimator; hopeless trials are cut short.
    `watch` is called after every trial. `kept` is a file that keeps the trials, and in words what
    is asked: the same search goes on where it was, another begins anew beside it.

    Reference: Akiba et al., 2019, arXiv:1907.10902; Bergstra et al., 2011 (TPE).
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lists = {name: values for name, values in objective.space.items() if isinstance(values, list)}
    small = len(lists) == len(objective.space) and math.prod(map(len, lists.values())) <= trials
    study = optuna.create_study(
        direction="maximize" if objective.lpips is None else "minimize",
        sampler=optuna.samplers.GridSampler(lists, seed)
        if small
        else optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
        **(_storage(*kept) if kept else {}),
    )
    done = sum(trial.state.is_finished() for trial in study.trials)
    if not small and not done:
        study.enqueue_trial(first, skip_if_exists=True)
    if isinstance(study.sampler, optuna.samplers.TPESampler):
        study.sampler = optuna.samplers.TPESampler(seed=seed + done)  # no draw a second time
    if done < trials:
        study.optimize(objective, n_trials=trials - done, callbacks=[watch] if watch else None)
    return study


def _storage(file: Path, asked: str) -> dict[str, Any]:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    name = hashlib.sha256(asked.encode()).hexdigest()
    storage = JournalStorage(JournalFileBackend(str(file)))
    return {"storage": storage, "study_name": name, "load_if_exists": True}
