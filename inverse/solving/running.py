"""Running a sampler within a budget: keep the last result, whatever stops it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from inverse.samplers import Found, Iterate, Sampler, State, known, reusing
from inverse.solving.metering import Budget, Meter, Spent
from operators import Problem, Rng

__all__ = ["Budget", "Diverged", "NothingReady", "Result", "Snapshot", "check_finite", "solve"]


@dataclass(frozen=True)
class Snapshot:
    """One outer step as kept in a result: the estimate and what it had cost."""

    x0: Tensor
    nfe: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """The outcome of `solve`.

    Attributes:
        x0: the restoration (B, C, H, W). residual: `||A x0 - y|| / (sigma_y sqrt(m))`, (B,).
        nfe, backward: network calls forward and backward. seconds: wall-clock time.
        finished: whether the sampler ran to its end. snapshots: of the steps kept.
        found: what was found of the problem, by a sampler that was not told all of it (`Blind`);
            the residual is that of the problem so `known`.
    """

    x0: Tensor
    residual: Tensor
    nfe: int
    backward: int
    seconds: float
    finished: bool
    snapshots: tuple[Snapshot, ...] = ()
    found: tuple[Found, ...] = ()

    def to(self, device: torch.device | str) -> "Result":
        """The same result on another device."""
        kept = tuple(replace(s, x0=s.x0.to(device)) for s in self.snapshots)
        x0, residual = self.x0.to(device), self.residual.to(device)
        return replace(self, x0=x0, residual=residual, snapshots=kept)


class NothingReady(RuntimeError):
    """The budget was spent, or the user interrupted, before a first restoration was ready."""

    exit_code = 130


def solve(
    sampler: Sampler,
    problem: Problem,
    rng: Rng,
    budget: Budget | None = None,
    *,
    keep: int = 0,
    watch: Callable[[Meter, Iterate | None], None] | None = None,
    at: Iterate | State | None = None,
) -> Result:
    """Run `sampler` to its end, to the end of the budget, or to Ctrl-C; keep the best so far.

    Priors that reuse their calls (`Prior.fresh`) do so for the length of this run.

    Args:
        keep: how many estimates to keep on the way (`Result.snapshots`): evenly spread steps.
        watch: called after every network call and every step with the meter and the last iterate;
            it may raise KeyboardInterrupt to stop here.
        at: a state to start from, or an iterate to go on after (with `rng` in the state it had
            then); calls, seconds and snapshots count from here.

    Raises:
        TypeError: for anything but a sampler; else as `Sampler.iterate`.
        NothingReady: when not even the first step was done.
        Diverged: when a step gave NaN or inf; its `last` is the last good iterate.
    """
    if not isinstance(sampler, Sampler):
        name = getattr(sampler, "__name__", type(sampler).__name__)
        raise TypeError(f"solve runs a sampler, as nested(prior) makes one; got {name} itself")
    walk = reusing(sampler).iterate(problem, rng, at)
    last = at if isinstance(at, Iterate) else None
    on_call = (lambda meter: watch(meter, last)) if watch else None
    budget, snapshots, finished = budget or Budget(), [], False
    meter = Meter(budget, on_call, len(problem), budget.waits(problem.y.device))
    with meter.on(sampler):
        try:
            for iterate in walk:
                check_finite(iterate, last)
                last = iterate
                if keep and iterate.step % -(-iterate.steps // keep) == 0:
                    snapshots.append(Snapshot(iterate.x0, meter.forward, meter.seconds))
                if watch is not None:
                    watch(meter, last)
            finished = True
        except (Spent, KeyboardInterrupt) as stop:
            if last is None:
                why = "the budget was spent" if isinstance(stop, Spent) else "interrupted"
                raise NothingReady(f"{why} before a first restoration was ready") from stop
    if last is None:
        raise NothingReady("the sampler made no step")
    residual = known(problem, last.found).relative_residual(last.x0)
    spent = meter.forward, meter.backward, meter.seconds
    return Result(last.x0, residual, *spent, finished, tuple(snapshots), last.found)


class Diverged(FloatingPointError):
    """An estimate is no longer finite; `last` is the last good iterate, or None."""

    def __init__(self, message: str, last: Iterate | None) -> None:
        super().__init__(message)
        self.last = last


def check_finite(iterate: Iterate, last: Iterate | None) -> None:
    """Raise `Diverged` naming step and level when the estimate is not finite.

    On a GPU this waits for it, once a step: no further step is paid for.
    """
    if not bool(torch.isfinite(iterate.x0).all()):
        kept = f"step {last.step} is the last good one" if last else "no step before it is good"
        raise Diverged(
            f"NaN or inf in the estimate of step {iterate.step} of {iterate.steps} at noise level "
            f"{iterate.level.nsr:.3g}; {kept}; try more steps or a smaller step size",
            last,
        )
