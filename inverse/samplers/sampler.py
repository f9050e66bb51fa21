"""Samplers: what restores step by step, what it yields, and how it walks down a grid of levels."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inverse.denoise import NOTHING, Memory, Needs, check, climb
from inverse.levels import Level, Walk
from operators import Problem, Rng


class Iterate(NamedTuple):
    """What a sampler yields after each step, enough to go on from there.

    Attributes:
        step, steps: this step, from 1, and how many there are.
        level: the level that ``x`` is at.
        x: the state (B, C, H, W).
        x0: the current estimate of the image (B, C, H, W).
        memory: what the transition remembers.
    """

    step: int
    steps: int
    level: Level
    x: Tensor
    x0: Tensor
    memory: Memory

    def edited(self, x0: Tensor) -> "Iterate":
        """This iterate with another estimate, (B, C, H, W), painted on or mended elsewhere.

        The state moves along by ``alpha (x0' - x0)``: its noise stays. Go on from there by
        ``sampler.iterate(problem, rng, resume=iterate.edited(x0))``, with the problem changed too,
        if need be.
        """
        return self._replace(x0=x0, x=self.x + self.level.alpha * (x0 - self.x0))


class Sampler(nn.Module, ABC):
    """Something that restores step by step; ``break`` whenever time is up."""

    @property
    def requires(self) -> Needs:
        """What it asks of the problem."""
        return NOTHING

    def iterate(
        self,
        problem: Problem,
        rng: Rng,
        x: Tensor | None = None,
        start: Level | None = None,
        resume: Iterate | None = None,
    ) -> Iterator[Iterate]:
        """Yield an `Iterate` after every step.

        Args:
            problem: operator, noise and measurement of B images.
            rng: one generator per sample; what is drawn has the problem's dtype.
            x, start: a state (B, C, H, W) and the level it is at; without them the sampler draws
                its own.
            resume: go on after this iterate (with ``rng`` in the state it had then).

        Raises:
            Unfit: at once, for a problem that lacks what the sampler requires.
            ValueError: at once, where they do not lie on one device.
        """
        check(self.requires, problem, "the solver")
        given = x if resume is None else resume.x
        self._meet(problem.y.device, rng.device, None if given is None else given.device)
        return self.walk(problem, rng.of(problem.y.dtype), x, start, resume)

    def _meet(self, problem: torch.device, rng: torch.device, state: torch.device | None) -> None:
        """Raise ValueError unless all are on the problem's device, or parts of the sampler are."""
        mine = {t.device for t in chain(self.parameters(), self.buffers())} or {problem}
        if problem in mine and rng == problem and state in (None, problem):
            return
        lie = {"the problem": problem, "the Rng": rng, "the solver": min(mine, key=str)}
        lie |= {} if state is None else {"the state": state}
        where = ", ".join(f"{name} on {device}" for name, device in lie.items())
        raise ValueError(
            f"all must lie on one device, got {where}; move them by problem.to(device), "
            "Rng(seeds, device) and sampler.to(device)"
        )

    @abstractmethod
    def walk(
        self,
        problem: Problem,
        rng: Rng,
        x: Tensor | None,
        start: Level | None,
        resume: Iterate | None,
    ) -> Iterator[Iterate]:
        """What `iterate` does once the problem is known to fit."""


class Descent(Sampler):
    """A sampler that steps down a grid of levels: what resuming and time travel ask for, once.

    Args:
        grid: the levels.
    """

    def __init__(self, grid: Walk) -> None:
        super().__init__()
        self.grid = grid

    @abstractmethod
    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, Memory]:
        """The first state (B, C, H, W), at ``level``, and the memory that goes with it."""

    def recall(self) -> Memory:
        """The memory that goes with a state of unknown past."""
        return None

    def rise(
        self, x: Tensor, a: Level, b: Level, memory: Memory, rng: Rng
    ) -> tuple[Tensor, Memory]:
        """The state at the noisier level ``b`` (time travel), and its memory."""
        return climb(x, a, b, rng), self.recall()

    @abstractmethod
    def step(
        self, x: Tensor, a: Level, b: Level, memory: Memory, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, Memory]:
        """From state ``x`` at ``a``: the state at ``b``, the estimate of the image, the memory."""

    def cost(self, level: Level) -> float:
        """What the step from ``level`` costs beside one from another level, for planning."""
        return 1

    def enter(
        self, problem: Problem, rng: Rng, x: Tensor | None, level: Level, resume: Iterate | None
    ) -> tuple[Tensor, Memory, int]:
        """Where a walk begins: its state, its memory, and how many steps were made before."""
        if resume is not None:
            return resume.x, resume.memory, resume.step
        if x is not None:
            return x, self.recall(), 0
        return *self.begin(problem, rng, level), 0

    @torch.no_grad()
    def walk(
        self,
        problem: Problem,
        rng: Rng,
        x: Tensor | None,
        start: Level | None,
        resume: Iterate | None,
    ) -> Iterator[Iterate]:
        levels = self.grid(start)
        state, memory, done = self.enter(problem, rng, x, levels[0], resume)
        steps = len(levels) - 1
        for step, (a, b) in enumerate(pairwise(levels), 1):
            if step <= done:
                continue
            if b.nsr > a.nsr:
                state, memory = self.rise(state, a, b, memory, rng)
                continue
            state, x0, memory = self.step(state, a, b, memory, problem, rng)
            yield Iterate(step, steps, b, state, x0, memory)
