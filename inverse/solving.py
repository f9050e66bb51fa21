"""Running a sampler within a budget: count network calls, watch the clock, keep the last result."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from inverse.denoise import Estimate, Prior
from inverse.process import Iterate, Sampler
from inverse.reusing import reusing
from operators import Problem, Rng


@dataclass(frozen=True)
class Budget:
    """What a restoration may cost; None is no limit.

    Attributes:
        seconds: wall-clock time. nfe: network evaluations (forward calls) per sample.
    """

    seconds: float | None = None
    nfe: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("seconds", self.seconds), ("nfe", self.nfe)):
            if value is not None and not value > 0:
                raise ValueError(f"budget.{name} must be positive, got {value}")


class Spent(Exception):
    """Raised inside the sampler by the first network call that the budget does not cover."""


@contextmanager
def around_priors(
    sampler: Sampler,
    before: Callable[[torch.nn.Module, tuple], None],
    after: Callable[[torch.nn.Module, tuple, Estimate], None],
) -> Iterator[None]:
    """Call ``before(prior, inputs)`` and ``after(prior, inputs, output)`` around every network call
    of the priors inside ``sampler``."""
    priors = [module for module in sampler.modules() if isinstance(module, Prior)]
    handles = [prior.register_forward_pre_hook(before) for prior in priors]
    handles += [prior.register_forward_hook(after) for prior in priors]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class Meter:
    """Counts network calls of a running sampler and stops it when the budget is spent.

    Attributes:
        samples: of the problem; a call on N times as many states (particles) counts N times.
        forward, backward: calls so far, per sample. seconds: since the start.
        watch: called after every network call, with the meter (a progress bar, say).
    """

    budget: Budget = Budget()
    watch: Callable[["Meter"], None] | None = None
    samples: int = 1
    forward: int = 0
    backward: int = 0
    began: float = field(default_factory=lambda: time.monotonic())
    slowest: float = 0.0
    _call: float = math.inf

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def on(self, sampler: Sampler) -> AbstractContextManager[None]:
        """Count the calls of every prior inside ``sampler``."""
        return around_priors(sampler, self._before, self._after)

    def _before(self, prior: torch.nn.Module, inputs: tuple) -> None:
        now, budget = self.seconds, self.budget
        if budget.nfe is not None and self.forward + self._cost(inputs[0]) > budget.nfe:
            raise Spent
        if budget.seconds is not None and now + self.slowest > budget.seconds and self.forward:
            raise Spent
        self._call = now

    def _after(self, prior: torch.nn.Module, inputs: tuple, output: Estimate) -> None:
        first, cost = self.forward == 0, self._cost(inputs[0])
        self.forward += cost
        if not first:  # the first call also pays for warming up
            self.slowest = max(self.slowest, self.seconds - self._call)
        if output.x0.requires_grad:
            output.x0.register_hook(lambda grad: self._backward(cost))
        if self.watch is not None:
            self.watch(self)

    def _backward(self, cost: int) -> None:
        self.backward += cost

    def _cost(self, x: Tensor) -> int:
        return max(1, len(x) // self.samples)


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
        x0: the restoration (B, C, H, W). residual: ``||A x0 - y|| / (sigma_y sqrt(m))``, (B,).
        nfe, backward: network calls forward and backward. seconds: wall-clock time.
        finished: whether the sampler ran to its end. snapshots: of the steps kept.
    """

    x0: Tensor
    residual: Tensor
    nfe: int
    backward: int
    seconds: float
    finished: bool
    snapshots: tuple[Snapshot, ...] = ()

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
    resume: Iterate | None = None,
) -> Result:
    """Run ``sampler`` to its end, to the end of the budget, or to Ctrl-C; keep the best so far.

    Priors that reuse their deep features (`Reused`) do so for the length of this run.

    Args:
        keep: how many estimates to keep on the way (``Result.snapshots``): evenly spread steps.
        watch: called after every network call and every step with the meter and the last iterate;
            it may raise KeyboardInterrupt to stop here.
        resume: go on after this iterate (with ``rng`` in the state it had then); calls, seconds
            and snapshots count from here.

    Raises:
        NothingReady: when not even the first step was done.
        Diverged: when a step gave NaN or inf; its ``last`` is the last good iterate.
    """
    last = resume
    on_call = (lambda meter: watch(meter, last)) if watch else None
    meter, snapshots, finished = Meter(budget or Budget(), on_call, len(problem)), [], False
    with meter.on(sampler):
        try:
            for iterate in reusing(sampler).iterate(problem, rng, resume=resume):
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
    residual = problem.relative_residual(last.x0)
    return Result(
        last.x0, residual, meter.forward, meter.backward, meter.seconds, finished, tuple(snapshots)
    )


class Diverged(FloatingPointError):
    """An estimate is no longer finite; ``last`` is the last good iterate, or None."""

    def __init__(self, message: str, last: Iterate | None) -> None:
        super().__init__(message)
        self.last = last


def check_finite(iterate: Iterate, last: Iterate | None) -> None:
    """Raise `Diverged` naming step and level when the estimate is not finite."""
    if not bool(torch.isfinite(iterate.x0).all()):
        kept = f"step {last.step} is the last good one" if last else "no step before it is good"
        raise Diverged(
            f"NaN or inf in the estimate of step {iterate.step} of {iterate.steps} at noise level "
            f"{iterate.level.nsr:.3g}; {kept}; try more steps or a smaller step size",
            last,
        )
