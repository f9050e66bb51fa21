"""A diffusion process: a choice of denoiser, transition, flow and splitting; and its nesting."""

from torch import Tensor

from inverse.denoise import (
    DataFlow,
    Denoiser,
    Estimate,
    Evaluation,
    Move,
    Transition,
    estimate,
)
from inverse.levels import UNSPLIT, Level, Splitting, Walk, splitting
from inverse.samplers.iterate import State
from inverse.samplers.sampler import Descent, M, Sampler
from inverse.starts import PureNoise, Start
from operators import Problem, Rng


class Process(Descent[M]):
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
        transition: Transition[M],
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

    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, M]:
        return self.start(problem, rng, level), self.init_memory()

    def init_memory(self) -> M:
        return self.transition.init()

    def climb(self, x: Tensor, a: Level, b: Level, memory: M, rng: Rng) -> tuple[Tensor, M]:
        return self.transition.climb(x, a, b, memory, rng)

    def cost(self, level: Level) -> float:
        return self.denoiser.cost(level)

    def step(
        self, x: Tensor, a: Level, b: Level, memory: M, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, M]:
        x, x0, memory = self._move(x, a, b, memory, problem, rng)
        x = self._projected(x, b, problem, rng)
        return x, x if b.sigma == 0 else x0, memory

    def _move(
        self, x: Tensor, a: Level, b: Level, memory: M, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, M]:
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
    """The variance-exploding level at a fraction of the way in nsr from `a` to `b`."""
    return Level(1.0, a.nsr + fraction * (b.nsr - a.nsr)) if fraction < 1 else Level(1.0, b.nsr)


class Nested(Denoiser):
    """A sampler run from (x, level) to clean is a denoiser; nesting is recursive.

    It can be differentiated where the caller keeps gradients (`training.unrolled`).

    Reference: Elata et al., 2023, arXiv:2305.19066, Alg. 1.
    """

    def __init__(self, sampler: Sampler) -> None:
        super().__init__()
        self.sampler = sampler

    def cost(self, level: Level) -> float:
        inner = self.sampler
        return sum(map(inner.cost, inner.grid(level)[:-1])) if isinstance(inner, Descent) else 1

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        x0 = x
        for iterate in self.sampler.walk(problem, rng, State(x, level)):
            x0 = iterate.x0
        return estimate(x, x0, level)
