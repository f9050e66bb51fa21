"""One restoration at work: watched from another thread, stopped between two network calls."""

from threading import Condition
from typing import NamedTuple

from torch import Tensor

from inverse.demo.recipe import RestorationRecipe
from inverse.samplers import Iterate
from inverse.solving import Meter, NothingReady, Result, solve

MOMENTS = 12  # kept of the way, at most, beside the last


class Moment(NamedTuple):
    """A step to look at, and to go on from.

    Attributes:
        iterate: of the step. streams: where the random streams stood then.
        nfe, backward, seconds: what it had cost. residual: of the first sample.
    """

    iterate: Iterate
    streams: list[Tensor]
    nfe: int = 0
    backward: int = 0
    seconds: float = 0.0
    residual: float = 0.0


class Frame(NamedTuple):
    """What there is to see of a job now.

    Attributes:
        state: "waiting", "running", "finished", "stopped" or "failed".
        ahead: jobs to be done before it. nfe, seconds: so far. last: the newest step, if any.
        error: what went wrong, in words.
    """

    state: str
    ahead: int
    nfe: int
    seconds: float
    last: Moment | None
    error: str | None


class Job:
    """Runs a recipe from its start or from a moment; `wait` and `frame` serve whoever watches.

    Attributes:
        moments: steps kept on the way, in order, the newest always among them.
        result: of `solve`, once there is one; its costs count from the beginning of this job.
    """

    def __init__(self, recipe: RestorationRecipe, begin: Moment | None = None) -> None:
        self.recipe, self.begin = recipe, begin
        self.moments: list[Moment] = []
        self.result: Result | None = None
        self.error: Exception | None = None
        self._state, self._version, self._stopping = "waiting", 0, False
        self._before = (begin.nfe, begin.backward, begin.seconds) if begin else (0, 0, 0.0)
        self._nfe, self._backward, self._seconds = self._before
        self._changed = Condition()

    @property
    def waiting(self) -> bool:
        return self._state == "waiting"

    @property
    def done(self) -> bool:
        return self._state in ("finished", "stopped", "failed")

    @property
    def costs(self) -> tuple[int, int, float]:
        """Network calls forward and backward, and seconds, with those before its beginning."""
        return self._nfe, self._backward, self._seconds

    def run(self) -> None:
        """Do the work, in the thread of the caller; nothing is raised but kept for `frame`."""
        if not self._enter():
            return
        recipe, begin = self.recipe, self.begin
        if begin is not None:
            recipe.rng.restore(begin.streams)
        try:
            self.result = solve(
                recipe.sampler,
                recipe.problem,
                recipe.rng,
                recipe.budget,
                watch=self._watch,
                at=begin.iterate if begin else None,
            )
            self._tell("stopped" if self._stopping else "finished")
        except Exception as error:
            self.error = error
            nothing = self._stopping and isinstance(error, NothingReady)
            self._tell("stopped" if nothing else "failed")

    def stop(self) -> None:
        """End it at the next network call, with the best so far; at once while it waits."""
        with self._changed:
            self._stopping = True
            if self.waiting:
                self._tell("stopped")

    def wait(self, version: int, patience: float) -> int:
        """Wait until there is news since `version`, at most so many seconds; the version now."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, patience)
            return self._version

    def frame(self, ahead: int = 0) -> Frame:
        """What there is to see now."""
        last = self.moments[-1] if self.moments else self.begin
        error = str(self.error) if self.error is not None else None
        return Frame(self._state, ahead, self._nfe, self._seconds, last, error)

    def _tell(self, state: str | None = None) -> None:
        with self._changed:
            self._state = state or self._state
            self._version += 1
            self._changed.notify_all()

    def _enter(self) -> bool:
        """Whether to begin: not when it was stopped while it waited."""
        with self._changed:
            if not self._stopping:
                self._tell("running")
            return not self._stopping

    def _watch(self, meter: Meter, last: Iterate | None) -> None:
        nfe, backward, seconds = self._before
        self._nfe, self._backward = nfe + meter.forward, backward + meter.backward
        self._seconds = seconds + meter.seconds
        newest = self.moments[-1] if self.moments else self.begin
        if last is not None and (newest is None or last is not newest.iterate):
            self._keep(last)
        self._tell()
        if self._stopping:
            raise KeyboardInterrupt

    def _keep(self, iterate: Iterate) -> None:
        """Add a step; the one before goes unless it is one of those spread evenly over the way."""
        kept = self.moments
        if kept and kept[-1].iterate.step % -(-iterate.steps // MOMENTS):
            kept = kept[:-1]
        residual = float(self.recipe.problem.relative_residual(iterate.x0)[0])
        costs = self._nfe, self._backward, self._seconds
        self.moments = [*kept, Moment(iterate, self.recipe.rng.state(), *costs, residual)]
