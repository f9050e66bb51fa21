"""The engine on a Ray cluster: actors that hold the model, fed batch by batch.

Ray only hands work out. Rows lie in the store's files before an actor says so, so that a run whose
driver, workers or nodes were lost goes on like any other. Every node must see the store and the
pictures under the same paths.
"""

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from inverse.benchmarking.columns import Row
from inverse.benchmarking.engine import Engine
from inverse.benchmarking.grid import Cell, Unit
from inverse.benchmarking.pictures import Picture


class Worker:
    """The actor: an engine and the cells of the grid, kept from batch to batch."""

    def __init__(self, work: tuple[Engine, list[Cell]], folder: str, threads: int) -> None:
        os.chdir(folder)
        torch.set_num_threads(threads)
        self.engine, self.cells = work

    def ready(self) -> None:
        """Returns once the actor is up."""

    def run(self, cell: int, pictures: Sequence[Picture]) -> list[Row]:
        """The rows of a cell's pictures, stored."""
        units = [Unit(self.cells[cell], picture) for picture in pictures]
        return [row for rows in self.engine.run(units) for row in rows]


def chunks(units: Iterable[Unit], count: int) -> Iterator[list[Unit]]:
    """The units in lists of one cell each, of at most `count`."""
    for _, group in groupby(units, lambda unit: unit.cell):
        own = list(group)
        yield from (own[first : first + count] for first in range(0, len(own), count))


@dataclass(eq=False)
class Hired:
    """An actor as the driver sees it. chunk: what it works on; empty while it starts."""

    number: int
    actor: Any
    chunk: list[Unit] = field(default_factory=list)

    @property
    def state(self) -> str:
        if not self.chunk:
            return "starting"
        labels = self.chunk[0].cell.labels
        return f"{labels['solver']} on {labels['operator']}, {len(self.chunk)} pictures"


class Cluster:
    """Runs an engine's units on Ray actors; a context that leaves Ray as it found it.

    A batch whose worker dies is tried again picture by picture on a new worker; a picture that
    costs `attempts` workers by itself is recorded as failed.

    Args:
        engine: its device is that of the actors; "auto": a GPU each where the cluster has one.
        address: of a running cluster, or "auto"; None: start one on this machine.
        workers: actors; None: one per GPU where the device is one, else one per `cpus` cores.
        cpus: cores of each.

    Raises:
        ModuleNotFoundError: without Ray, naming the extra.
        ValueError: where the cluster has not even one worker's GPU or cores.
    """

    def __init__(
        self,
        engine: Engine,
        address: str | None = None,
        workers: int | None = None,
        cpus: int = 1,
        attempts: int = 3,
    ) -> None:
        try:
            import ray  # pyright: ignore[reportMissingImports]
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"{error.name} is missing: pip install 'anytime-inverse[ray]'", name=error.name
            ) from error
        self.ray, self.cpus, self.attempts = ray, cpus, attempts
        kinds = ("RayActorError", "WorkerCrashedError", "NodeDiedError", "OutOfMemoryError")
        self._deadly = tuple(getattr(ray.exceptions, kind) for kind in kinds)
        self._own = not ray.is_initialized()
        if self._own:
            own = {"include_dashboard": False, "num_cpus": workers and workers * cpus}
            quiet = {"log_to_driver": False, "logging_level": "ERROR"}
            ray.init(address, **quiet, **(own if address is None else {}))
        if engine.device == "auto":
            has = ray.cluster_resources().get("GPU", 0) >= 1
            engine = replace(engine, device="cuda" if has else "cpu")
        self.engine, self.gpus = engine, int(engine.device.startswith("cuda"))
        self.workers = workers or self._room()
        self._queue: deque[list[Unit]] = deque()
        self._busy: dict[Any, Hired] = {}  # by the call that each is busy with
        self._idle: list[Hired] = []
        self._deaths: Counter[str] = Counter()
        self._stillborn = 0

    def _room(self) -> int:
        total = self.ray.cluster_resources()
        kind, each = ("GPU", 1) if self.gpus else ("CPU", self.cpus)
        if total.get(kind, 0) < each:
            raise ValueError(
                f"the cluster has {total.get(kind, 0):g} {kind}, a worker needs {each}"
            )
        return int(total[kind] // each)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *error: object) -> None:
        for hired in [*self._busy.values(), *self._idle]:
            self.ray.kill(hired.actor)
        if self._own:
            self.ray.shutdown()

    @property
    def states(self) -> dict[int, str]:
        """What each worker does, by its number."""
        idle = {hired.number: "idle" for hired in self._idle}
        return dict(sorted((idle | {h.number: h.state for h in self._busy.values()}).items()))

    def run(self, units: Iterable[Unit]) -> Iterator[list[Row]]:
        """As `Engine.run`, in the order in which batches come back."""
        self._queue.extend(chunks(units, self.engine.pictures))
        cells = list(dict.fromkeys(chunk[0].cell for chunk in self._queue))
        work, number = self.ray.put((self.engine, cells)), {c: i for i, c in enumerate(cells)}
        for k in range(min(self.workers, len(self._queue))):
            self._hire(k, work)
        while self._queue or any(hired.chunk for hired in self._busy.values()):
            while self._queue and self._idle:
                hired = self._idle.pop()
                hired.chunk = self._queue.popleft()
                pictures = [unit.picture for unit in hired.chunk]
                call = hired.actor.run.remote(number[hired.chunk[0].cell], pictures)
                self._busy[call] = hired
            (call,), _ = self.ray.wait(list(self._busy), num_returns=1)
            if rows := self._settle(self._busy.pop(call), call, work):
                yield rows

    def _hire(self, number: int, work: Any) -> None:
        actor = self.ray.remote(Worker).options(num_cpus=self.cpus, num_gpus=self.gpus)
        hired = Hired(number, actor.remote(work, str(Path.cwd()), self.cpus))
        self._busy[hired.actor.ready.remote()] = hired

    def _settle(self, hired: Hired, call: Any, work: Any) -> list[Row]:
        """The rows of a call that ended; a dead worker is replaced and its chunk put back."""
        try:
            rows = self.ray.get(call) or []
        except self._deadly as error:
            self._hire(hired.number, work)
            if hired.chunk:
                return self._lost(hired.chunk)
            self._stillborn += 1
            if self._stillborn == self.attempts * self.workers:
                raise RuntimeError(f"no worker comes up: {error}") from error
            return []
        self._stillborn, hired.chunk = 0, []
        self._idle.append(hired)
        return rows

    def _lost(self, chunk: list[Unit]) -> list[Row]:
        if len(chunk) > 1:  # which one it was will show
            self._queue.extendleft([unit] for unit in reversed(chunk))
            return []
        self._deaths[chunk[0].key] += 1
        if self._deaths[chunk[0].key] < self.attempts:
            self._queue.appendleft(chunk)
            return []
        return self.engine.give_up(chunk[0], f"WorkerLost: {self.attempts} of them")
