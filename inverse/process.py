"""The one loop: a diffusion process that yields after every step, and its nesting."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inverse.denoise import (
    DataFlow,
    Denoiser,
    Estimate,
    Evaluation,
    Memory,
    Move,
    Transition,
    estimate,
    needs_of,
)
from inverse.grids import Walk
from inverse.levels import Level
from inverse.needs import NOTHING, Needs, check
from inverse.splitting import UNSPLIT, Splitting, splitting
from inverse.starts import PureNoise, Start
from inverse.transitions.ddim import climb
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
            rng: one generator per sample.
            x, start: a state (B, C, H, W) and the level it is at; without them the sampler draws
                its own.
            resume: go on after this iterate (with ``rng`` in the state it had then).

        Raises:
            Unfit: at once, for a problem that lacks what the sampler requires.
        """
        check(self.requires, problem, "the solver")
        return self.walk(problem, rng, x, start, resume)

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

    def rise(self, x: Tensor, a: Level, b: Level, rng: Rng) -> tuple[Tensor, Memory]:
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
                state, memory = self.rise(state, a, b, rng)
                continue
            state, x0, memory = self.step(state, a, b, memory, problem, rng)
            yield Iterate(step, steps, b, state, x0, memory)


class Process(Descent):
    """A walk down a grid of levels: evaluate, let the prior flow, let the data in.

    Args:
        denoiser: what estimates the clean image at each state.
        transition: the prior's flow from level to level.
        grid: the levels.
        flow: how data enter at the state; None when they enter at the estimate, if at all.
        split: how flow and transition are combined: "unsplit", "lie", "strang" or stages.
        start: how the first state is drawn.
        project: a flow that acts on the state a step ends at, after all else (`Replace`).

    Raises:
        ValueError: for a splitting without a flow.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        transition: Transition,
        grid: Walk,
        flow: DataFlow | None = None,
        split: str | Splitting = UNSPLIT,
        start: Start | None = None,
        project: DataFlow | None = None,
    ) -> None:
        super().__init__(grid)
        self.denoiser, self.transition, self.flow = denoiser, transition, flow
        self.split, self.start, self.project = splitting(split), start or PureNoise(), project
        if self.split and flow is None:
            raise ValueError("Process: a splitting needs a data flow")

    @property
    def requires(self) -> Needs:
        parts = self.denoiser.requires | self.transition.requires | self.start.requires
        flows = [flow for flow in (self.flow, self.project) if flow is not None]
        return parts.union(*map(needs_of, flows))

    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, Memory]:
        return self.start(problem, rng, level), self.recall()

    def recall(self) -> Memory:
        return self.transition.init()

    def cost(self, level: Level) -> float:
        return self.denoiser.cost(level)

    def step(
        self, x: Tensor, a: Level, b: Level, memory: Memory, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, Memory]:
        x, x0, memory = self._move(x, a, b, memory, problem, rng)
        x = self._projected(x, b, problem, rng)
        return x, x if b.sigma == 0 else x0, memory

    def _move(
        self, x: Tensor, a: Level, b: Level, memory: Memory, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, Memory]:
        differentiable = self.flow is not None and self.flow.differentiable

        def denoise(x: Tensor, level: Level) -> Estimate:
            return self.denoiser(x, level, problem, rng)

        def look(x: Tensor, level: Level) -> Evaluation:
            return Evaluation(self.denoiser, x, level, problem, rng, differentiable)

        if not self.split:
            ev = look(x, a)
            move = Move(x, ev.estimate, a, b, problem, rng, denoise)
            moved, memory = self.transition.step(move, memory)
            if self.flow is not None:
                moved = moved.add(self.flow(ev, a, b, 1.0), alpha=b.alpha)
            return moved, ev.estimate.x0, memory

        x0, at, passed = x, a, 0.0
        for part, fraction in self.split:
            if part == "prior":
                est = denoise(x, a)
                move = Move(x, est, a, b, problem, rng, denoise)
                x, memory = self.transition.step(move, memory)
                x0, at = est.x0, b
            else:
                assert self.flow is not None
                span = _span(a, b, passed), _span(a, b, passed + fraction)
                x = x.add(self.flow(look(x, at), *span, fraction), alpha=at.alpha)
                passed += fraction
        return x, x0, memory

    def _projected(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        if self.project is None:
            return x
        ev = Evaluation(self.denoiser, x, level, problem, rng, self.project.differentiable)
        return x.add(self.project(ev, level, level, 1.0), alpha=level.alpha)


def _span(a: Level, b: Level, fraction: float) -> Level:
    """The variance-exploding level at a fraction of the way in nsr from ``a`` to ``b``."""
    return Level(1.0, a.nsr + fraction * (b.nsr - a.nsr)) if fraction < 1 else Level(1.0, b.nsr)


class Nested(Denoiser):
    """A sampler run from (x, level) to clean is a denoiser; nesting is recursive.

    Reference: Elata et al., 2023, arXiv:2305.19066, Alg. 1.
    """

    def __init__(self, sampler: Sampler) -> None:
        super().__init__()
        self.sampler = sampler

    @property
    def requires(self) -> Needs:
        return self.sampler.requires

    def cost(self, level: Level) -> float:
        inner = self.sampler
        return sum(map(inner.cost, inner.grid(level)[:-1])) if isinstance(inner, Descent) else 1

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        x0 = x
        for iterate in self.sampler.iterate(problem, rng, x, level):
            x0 = iterate.x0
        return estimate(x, x0, level)
