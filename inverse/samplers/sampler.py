"""Samplers: what restores step by step, and the one loop, down a grid of levels."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from inverse.denoise import Composite, check, climb
from inverse.levels import CLEAN, Level, Listed, Path, Walk
from inverse.samplers.door import check_arguments, check_devices, check_maker
from inverse.samplers.iterate import Iterate, State
from operators import Problem, Rng

M = TypeVar("M")


class Sampler(Composite, nn.Module, ABC):
    """Something that restores step by step; `break` whenever time is up."""

    def iterate(
        self, problem: Problem, rng: Rng, at: Iterate | State | None = None
    ) -> Iterator[Iterate]:
        """Yield an `Iterate` after every step.

        Args:
            problem: operator, noise and measurement of B images.
            rng: one generator per sample; what is drawn has the problem's dtype.
            at: a `State` to start from, or an `Iterate` to go on from (with `rng` in the state
                it had then); without one the sampler draws its own.

        Raises:
            Unfit: at once, for a problem that lacks what the sampler requires.
            TypeError, ValueError: at once, where they do not fit each other, do not lie on one
                device, or the iterate is of another sampler.
        """
        check_arguments(problem, rng, at)
        check(self.requires, problem, "the solver")
        check_devices(self, problem, rng, at)
        if isinstance(at, Iterate):
            check_maker(self.kind, at)
        return self._signed(self.walk(problem, rng.of(problem.y.dtype), at))

    @torch.no_grad()
    def _signed(self, walk: Iterator[Iterate]) -> Iterator[Iterate]:
        kind = self.kind
        for iterate in walk:
            yield iterate._replace(by=kind)

    @abstractmethod
    def walk(self, problem: Problem, rng: Rng, at: Iterate | State | None) -> Iterator[Iterate]:
        """What `iterate` does once its arguments are known to fit, there without gradients."""


class Descent(Sampler, Generic[M]):
    """A sampler that steps down a grid of levels: what resuming and time travel ask for, once.

    Its memory is of type M.

    Args:
        grid: the levels.
    """

    clean: bool = False
    """Whether its states are clean images, whatever level it acts at: then it can be stopped at
    any time, and a state to start from is an image."""

    def __init__(self, grid: Walk) -> None:
        super().__init__()
        self.grid = grid

    @abstractmethod
    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, M]:
        """The first state (B, C, H, W), at `level`, and the memory that goes with it."""

    def init_memory(self) -> Any:
        """The memory that goes with a state of unknown past."""
        return None

    def adopt(self, x: Tensor, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, M]:
        """The state that a walk from a given `x` at `level` begins with, and its memory."""
        return x, self.init_memory()

    def climb(self, x: Tensor, a: Level, b: Level, memory: M, rng: Rng) -> tuple[Tensor, M]:
        """The state at the noisier level `b` (time travel), and its memory."""
        return climb(x, a, b, rng), self.init_memory()

    @abstractmethod
    def step(
        self, x: Tensor, a: Level, b: Level, memory: M, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, M]:
        """From state `x` at `a`: the state at `b`, the estimate of the image, the memory."""

    def cost(self, level: Level) -> float:
        """What the step from `level` costs beside one from another level, for planning."""
        return 1

    def path(self, at: Iterate | State | None) -> Path:
        """The steps to come."""
        if isinstance(at, Iterate):
            return at.path
        return Listed(tuple(self.grid(None if at is None else at.level)))

    def walk(self, problem: Problem, rng: Rng, at: Iterate | State | None) -> Iterator[Iterate]:
        return self.descend(problem, rng, at, self.path(at))

    def descend(
        self,
        problem: Problem,
        rng: Rng,
        at: Iterate | State | None,
        path: Path,
        plan: Callable[[Path], Path] = lambda path: path,
    ) -> Iterator[Iterate]:
        """The one loop: down `path`, whose rest `plan` may change after every step."""
        done = 0
        if isinstance(at, Iterate):
            state, memory, done = at.x, at.memory, at.step
        elif isinstance(at, State):
            state, memory = self.adopt(at.x, problem, rng, path.level)
        else:
            state, memory = self.begin(problem, rng, path.level)
        while path.left:
            a, path, done = path.level, path.ahead, done + 1
            b = path.level
            if b.nsr > a.nsr:
                state, memory = self.climb(state, a, b, memory, rng)
                continue
            state, x0, memory = self.step(state, a, b, memory, problem, rng)
            path = plan(path)
            level = CLEAN if self.clean else b
            yield Iterate(done, done + path.left, level, state, x0, memory, path)
