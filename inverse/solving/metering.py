"""What a restoration may cost and what it has cost: counting network calls, watching the clock."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from inverse.denoise import Estimate, Prior
from inverse.samplers import Coarse, Sampler


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

    def waits(self, device: torch.device) -> torch.device | None:
        """The device, where the clock must wait for it (a limit of seconds); else None."""
        return None if self.seconds is None else device


class Spent(Exception):
    """Raised inside the sampler by the first network call that the budget does not cover."""


@contextmanager
def around_priors(
    sampler: Sampler,
    before: Callable[[torch.nn.Module, tuple], None],
    after: Callable[[torch.nn.Module, tuple, Estimate], None],
) -> Iterator[None]:
    """Call `before(prior, inputs)` and `after(prior, inputs, output)` around every network call
    of the priors inside `sampler`.
    """
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
        samples: of the problem; a call on N times as many states (particles) counts N times, one
            on images of 1/f of the side (`Coarse`) 1/f^2 times.
        device: whose work the clock waits for; None: it is read at once. A GPU is still busy with
            what it was told, and a limit of seconds would come too late.
        calls: forward ones so far, per sample. backward: so far. seconds: since the start.
        watch: called after every network call, with the meter (a progress bar, say).
    """

    budget: Budget = Budget()
    watch: Callable[["Meter"], None] | None = None
    samples: int = 1
    device: torch.device | None = None
    calls: float = 0
    backward: int = 0
    began: float = field(default_factory=lambda: time.monotonic())
    slowest: float = 0.0
    _call: float = math.inf
    _share: float = 1  # of a call on whole images that a call costs at present

    @property
    def forward(self) -> int:
        """The calls in whole numbers, rounded up."""
        return math.ceil(self.calls - 1e-9)

    @property
    def seconds(self) -> float:
        if self.device is not None and self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
        return time.monotonic() - self.began

    @contextmanager
    def on(self, sampler: Sampler) -> Iterator[None]:
        """Count the calls of every prior inside `sampler`."""
        coarse = [part for part in sampler.modules() if isinstance(part, Coarse)]
        handles = [handle for part in coarse for handle in self._sharing(part)]
        try:
            with around_priors(sampler, self._before, self._after):
                yield
        finally:
            for handle in handles:
                handle.remove()

    def _sharing(self, part: Coarse) -> list[RemovableHandle]:
        def scale(by: float) -> None:
            self._share *= by

        return [
            part.register_forward_pre_hook(lambda _, given: scale(part.share(given[2]))),
            part.register_forward_hook(
                lambda _, given, out: scale(1 / part.share(given[2])), always_call=True
            ),
        ]

    def _before(self, prior: torch.nn.Module, inputs: tuple) -> None:
        now, budget = self.seconds, self.budget
        if budget.nfe is not None and self.calls + self._cost(inputs[0]) > budget.nfe + 1e-9:
            raise Spent
        if budget.seconds is not None and now + self.slowest > budget.seconds and self.calls:
            raise Spent
        self._call = now

    def _after(self, prior: torch.nn.Module, inputs: tuple, output: Estimate) -> None:
        first, cost = self.calls == 0, self._cost(inputs[0])
        self.calls += cost
        if not first:  # the first call also pays for warming up
            self.slowest = max(self.slowest, self.seconds - self._call)
        if output.x0.requires_grad:
            output.x0.register_hook(lambda grad: self._backward(cost))
        if self.watch is not None:
            self.watch(self)

    def _backward(self, cost: float) -> None:
        self.backward += math.ceil(cost)

    def _cost(self, x: Tensor) -> float:
        return max(1, len(x) // self.samples) * self._share
