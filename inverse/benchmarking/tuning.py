"""Choosing a solver's constants on validation images, by Optuna, under a budget of calls."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from inverse.metrics import LPIPS, psnr
from inverse.samplers import Sampler
from inverse.solving import Budget, Diverged, NothingReady, solve
from operators import Noise, Operator, Problem, Rng, measure, seed_for

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial


class Case(NamedTuple):
    """Images (B, 3, H, W), their measurement, and the seeds of their restorations."""

    task: str
    truth: Tensor
    problem: Problem
    seeds: list[int]

    def to(self, device: torch.device | str) -> "Case":
        """The same case on another device."""
        return self._replace(truth=self.truth.to(device), problem=self.problem.to(device))


def cases(
    images: Iterable[Tensor],
    tasks: dict[str, Callable[[tuple[int, ...]], Operator]],
    noise: Noise,
    seed: int = 0,
) -> list[Case]:
    """Every task on every image (3, H, W); images of one size go together.

    Images and tasks lie on the CPU, so that what is measured depends on no device; see `Case.to`.
    """
    sizes: dict[tuple[int, ...], list[Tensor]] = {}
    for x in images:
        sizes.setdefault(tuple(x.shape), []).append(x)
    found = []
    for task, make in tasks.items():
        for shape, group in sizes.items():
            truth, keys = torch.stack(group), range(len(group))
            rng = Rng([seed_for(seed, task, "noise", *shape, k) for k in keys])
            problem = measure(make(shape), noise, truth, rng)
            seeds = [seed_for(seed, task, "sample", *shape, k) for k in keys]
            found.append(Case(task, truth, problem, seeds))
    return found


@dataclass
class Objective:
    """What a trial is worth: the mean over tasks of the mean PSNR or LPIPS over images.

    Attributes:
        cases: from `cases`. make: arguments of the solver -> sampler.
        space: argument -> its choices (a list), or its range {low, high[, log]}.
        lpips: scores by LPIPS where given, else by PSNR. budget: of one restoration.
    """

    cases: Sequence[Case]
    make: Callable[[dict[str, Any]], Sampler]
    space: dict[str, Any]
    lpips: LPIPS | None = None
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
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
            for step, case in enumerate(self.cases):
                totals.setdefault(case.task, []).extend(self._score(sampler, case))
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

    def _score(self, sampler: Sampler, case: Case) -> list[float]:
        rng = Rng(case.seeds, case.problem.y.device)
        x = solve(sampler, case.problem, rng, self.budget).x0
        values = psnr(x, case.truth) if self.lpips is None else self.lpips(x, case.truth)
        return values.tolist()


def _is_range(values: Any) -> bool:
    return isinstance(values, dict) and values.get("low", math.inf) < values.get("high", -math.inf)


def search(
    objective: Objective,
    trials: int,
    first: dict[str, Any],
    seed: int = 0,
    watch: Callable[["Study", "FrozenTrial"], None] | None = None,
) -> "Study":
    """Try ``first``, then up to ``trials`` settings in all: the whole grid where it is finite and
    small enough, else Optuna's tree-structured Parzen estimator; hopeless trials are cut short.
    ``watch`` is called after every trial.

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
    )
    if not small:
        study.enqueue_trial(first)
    study.optimize(objective, n_trials=trials, callbacks=[watch] if watch else None)
    return study
