"""Solving many samples at once, in halves where memory or a bad sample forbids it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inverse.benchmarking.clock import Clock
from inverse.benchmarking.columns import Row
from inverse.restoring import peak_memory_mb
from inverse.samplers import Sampler
from inverse.solving import Budget, Snapshot, solve
from operators import Problem, Rng


@dataclass(frozen=True)
class Restored:
    """One sample of one picture.

    Attributes:
        x0: (C, H, W). residual: in sigma. curve: the estimates on the way, (C, H, W) each.
        costs: the columns nfe, nfe_backward, seconds, seconds_network (a batch's, shared out
            evenly), peak_memory_mb, batch, finished.
    """

    x0: Tensor
    residual: float
    curve: tuple[Snapshot, ...]
    costs: Row


@dataclass(frozen=True)
class Failed:
    """Why a sample could not be had, on one line."""

    error: str


class Restorer:
    """Runs a sampler on batches of at most `batch` samples.

    A batch that fails is halved and tried again, down to the one sample that is to blame; one
    that did not fit into memory also sets the size of those that follow.

    Args:
        keep: how many estimates to keep on the way.
    """

    def __init__(self, sampler: Sampler, budget: Budget, batch: int, keep: int) -> None:
        self.sampler, self.budget, self.batch, self.keep = sampler, budget, batch, keep

    def __call__(self, problem: Problem, seeds: Sequence[int]) -> list[Restored | Failed]:
        """Restore every sample of `problem` (on its device), sample b from `seeds[b]`."""
        count, failure = len(seeds), None
        if count <= self.batch:
            try:
                return self._solve(problem, seeds)
            except Exception as error:
                failure = Failed(error_text(error))
                if isinstance(error, torch.OutOfMemoryError):
                    self.batch = max(1, count // 2)
            if count == 1:
                return [failure]
            torch.cuda.empty_cache()  # the error, and the tensors it held, are gone by now
        half = count // 2 if failure else self.batch
        return self(problem[:half], seeds[:half]) + self(problem[half:], seeds[half:])

    def _solve(self, problem: Problem, seeds: Sequence[int]) -> list[Restored | Failed]:
        device, count = problem.y.device, len(seeds)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            torch.cuda.synchronize(device)
        clock, began = Clock(device), time.perf_counter()
        with clock.on(self.sampler):
            result = solve(self.sampler, problem, Rng(seeds, device), self.budget, keep=self.keep)
        residual, network = result.residual.tolist(), clock.seconds
        costs: Row = {
            "nfe": result.nfe,
            "nfe_backward": result.backward,
            "seconds": (time.perf_counter() - began) / count,
            "seconds_network": network / count,
            "peak_memory_mb": peak_memory_mb(device),
            "batch": count,
            "finished": result.finished,
        }
        return [
            Restored(result.x0[b], residual[b], _curve(result.snapshots, b, count), costs)
            for b in range(count)
        ]


def _curve(snapshots: Sequence[Snapshot], sample: int, count: int) -> tuple[Snapshot, ...]:
    return tuple(Snapshot(s.x0[sample], s.nfe, s.seconds / count) for s in snapshots)


def error_text(error: BaseException) -> str:
    """An error's kind and message on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
