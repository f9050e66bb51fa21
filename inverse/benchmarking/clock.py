"""How long the network itself takes, apart from everything around it."""

import time
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from inverse.denoise import Estimate
from inverse.samplers import Sampler
from inverse.solving import around_priors

Instant = Any  # a float, or a torch.cuda.Event


class Clock:
    """Seconds inside the priors of a sampler, forward and (where the input asks for it) backward.

    On a GPU they are the device's own, by events: nothing waits until the end.
    """

    def __init__(self, device: torch.device | str) -> None:
        self.device = torch.device(device)
        self.cuda = self.device.type == "cuda"
        self._spans: list[tuple[Instant, Instant]] = []
        self._begun: Instant = 0.0

    @property
    def seconds(self) -> float:
        """The sum so far; waits for the device."""
        if self.cuda:
            torch.cuda.synchronize(self.device)
        return sum(_between(*span) for span in self._spans)

    def on(self, sampler: Sampler) -> AbstractContextManager[None]:
        """Time every prior inside `sampler`."""
        return around_priors(sampler, self._before, self._after)

    def _before(self, prior: nn.Module, inputs: tuple) -> None:
        self._begun = self._now()

    def _after(self, prior: nn.Module, inputs: tuple, output: Estimate) -> None:
        self._spans.append((self._begun, self._now()))
        x: Tensor = inputs[0]
        if x.requires_grad and output.x0.requires_grad:
            came: list[Instant] = []
            output.x0.register_hook(lambda grad: came.append(self._now()))
            x.register_hook(lambda grad: self._spans.extend((c, self._now()) for c in came[-1:]))

    def _now(self) -> Instant:
        if not self.cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self.device))
        return event


def _between(a: Instant, b: Instant) -> float:
    return b - a if isinstance(a, float) else a.elapsed_time(b) / 1000
