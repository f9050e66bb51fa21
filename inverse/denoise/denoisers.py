"""Denoisers: what maps a noisy state to an estimate of the clean image, alone or with the data.

A denoiser followed by a data step is a denoiser (`Conditioned`); a denoiser plus the score of the
likelihood is a denoiser (`Guided`); a sampler run to the end is one too (`samplers.Nested`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from inverse.denoise.needs import NOTHING, ONE_LEVEL, Composite, Need, Needs
from inverse.levels import Level
from operators import Problem, Rng

if TYPE_CHECKING:
    from inverse.denoise.errors import ErrorSpectrum


class Estimate(NamedTuple):
    """Both ends of the path at one state: `x = alpha * x0 + sigma * noise`, each (B, C, H, W)."""

    x0: Tensor
    noise: Tensor


def estimate(x: Tensor, x0: Tensor, level: Level) -> Estimate:
    """The estimate whose clean end is `x0` (`sigma > 0`)."""
    return Estimate(x0, torch.sub(x, x0, alpha=level.alpha).div_(level.sigma))


class Denoiser(Composite, nn.Module, ABC):
    """Maps a state (B, C, H, W) at a level to an `Estimate`; may look at the problem."""

    aware: bool = False
    """Whether it looks at the measurement, so that it must see pictures as they lie."""
    coordinates: Need = ONE_LEVEL
    """What a problem must bring so that this can be told its noise value by value (`Field`)."""

    def cost(self, level: Level) -> float:
        """What an estimate at `level` costs beside one of another level, for planning."""
        return 1

    @abstractmethod
    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        """The estimate at state `x` of noise level `level` (`sigma > 0`)."""

    def __call__(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        return super().__call__(x, level, problem, rng)


class Prior(Denoiser):
    """A denoiser that knows images but no measurement: `denoise(x, level) = E[x0 | x]`."""

    shape: tuple[int, ...] | None = None
    """Image shape (C, H, W) it is bound to; None: any size that the network can take."""
    fresh: object = None
    """What it remembers before the first call of a walk, where it reuses its calls; else None."""
    memory: object = None
    """Lent by a walk for the length of a step (`inverse.samplers.Reusing`); None: none."""
    errors: "ErrorSpectrum | None" = None
    """How wrong it is, frequency by frequency, where that was measured."""

    @property
    def kind(self) -> str:
        return ""  # a walk may go on with another prior

    @abstractmethod
    def denoise(self, x: Tensor, level: Level) -> Tensor:
        """The posterior mean `E[x0 | x]` at `level` (`sigma > 0`), (B, C, H, W)."""

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        return estimate(x, self.denoise(x, level), level)


class DataStep(ABC):
    """A map of estimates x0 -> x0 (B, C, H, W) through which the data enter."""

    requires: Needs = NOTHING
    """What it asks of the problem."""

    @abstractmethod
    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        """The estimate made consistent with the data."""


class Conditioned(Denoiser):
    """A denoiser followed by a data step.

    Args:
        denoiser, step: the two maps.
        keep_noise: keep the denoiser's noise estimate (DDNM, Wang et al., 2022) instead of
            recomputing it from the moved x0 (DiffPIR, Zhu et al., 2023).
    """

    aware = True

    def __init__(self, denoiser: Denoiser, step: DataStep, keep_noise: bool = False) -> None:
        super().__init__()
        self.denoiser, self.step, self.keep_noise = denoiser, step, keep_noise

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        est = self.denoiser(x, level, problem, rng)
        x0 = self.step(est.x0, level, problem, rng)
        return Estimate(x0, est.noise) if self.keep_noise else estimate(x, x0, level)


class Prepared(Denoiser):
    """A data step followed by a denoiser: `D(alpha step(x / alpha))`, the plug-and-play order.

    What it returns is the prior's last word: free of the measurement's own noise.
    """

    aware = True

    def __init__(self, step: DataStep, denoiser: Denoiser) -> None:
        super().__init__()
        self.step, self.denoiser = step, denoiser

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        ready = self.step(x / level.alpha, level, problem, rng).mul(level.alpha)
        return estimate(x, self.denoiser(ready, level, problem, rng).x0, level)


class Evaluation:
    """One state and, lazily, what a denoiser says there: at most one network call, shared.

    Args:
        denoiser, x, level, problem, rng: where to evaluate.
        differentiable: whether `gradient` and `pullback` will be asked for.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        x: Tensor,
        level: Level,
        problem: Problem,
        rng: Rng,
        differentiable: bool = False,
    ) -> None:
        self.denoiser, self.x, self.level = denoiser, x, level
        self.problem, self.rng, self.differentiable = problem, rng, differentiable
        self._estimate: Estimate | None = None
        self._graph: tuple[Tensor, Tensor] | None = None

    @property
    def estimate(self) -> Estimate:
        """The (detached) estimate; at a clean level the state itself."""
        if self._estimate is None:
            self._estimate = self._evaluate()
        return self._estimate

    def _evaluate(self) -> Estimate:
        if self.level.sigma == 0:
            return Estimate(self.x / self.level.alpha, torch.zeros_like(self.x))
        if not self.differentiable:
            return self.denoiser(self.x, self.level, self.problem, self.rng)
        with torch.enable_grad():
            leaf = self.x.detach().requires_grad_()
            est = self.denoiser(leaf, self.level, self.problem, self.rng)
        self._graph = (leaf, est.x0)
        return Estimate(est.x0.detach(), est.noise.detach())

    def pullback(self, v: Tensor) -> Tensor:
        """`J^T v` with `J = d x0 / d x`; one backward pass through the network."""
        _ = self.estimate
        if self.level.sigma == 0:
            return v / self.level.alpha
        if self._graph is None:
            raise RuntimeError("Evaluation: pullback needs differentiable=True")
        leaf, x0 = self._graph
        return torch.autograd.grad(x0, leaf, v, retain_graph=True)[0]

    def covariance(self, v: Tensor) -> Tensor:
        """`Cov[x0 | x] v = sigma^2 / alpha J v` by Tweedie's formula, with `J^T` in place of J.

        The same for an exact denoiser, whose Jacobian is symmetric. Reference: Efron, 2011,
        doi:10.1198/jasa.2011.tm11181.
        """
        return self.pullback(v) * (self.level.sigma**2 / self.level.alpha)

    def slope(self, loss: Callable[[Tensor], Tensor]) -> Tensor:
        """Gradient in x0 of a per-sample `loss(x0) -> (B,)`; samples do not mix."""
        x0 = self.estimate.x0.detach().requires_grad_()
        with torch.enable_grad():
            total = loss(x0).sum()
        return torch.autograd.grad(total, x0)[0]

    def gradient(self, loss: Callable[[Tensor], Tensor]) -> Tensor:
        """Gradient in x of a per-sample `loss(x0) -> (B,)`, through the network."""
        return self.pullback(self.slope(loss))

    def at(self, x: Tensor, level: Level) -> "Evaluation":
        """The same denoiser at another state."""
        return Evaluation(self.denoiser, x, level, self.problem, self.rng, self.differentiable)


class Score(ABC):
    """A model of the likelihood score `grad_x log p(y | x)` at a noisy state."""

    differentiable: bool = True
    """Whether it needs the denoiser's Jacobian (a backward pass)."""
    requires: Needs = NOTHING
    """What else it asks of the problem."""
    aware: bool = True
    """Whether it looks at the measurement."""

    @abstractmethod
    def __call__(self, ev: Evaluation) -> Tensor:
        """The score at `ev.x`, (B, C, H, W)."""


class Guided(Denoiser):
    """The posterior denoiser `x0 + sigma^2 / alpha * score` (Tweedie); right for any transition.

    Reference: `solvers` share this identity; see Chung et al., 2023, arXiv:2209.14687, eq. 7.
    """

    def __init__(self, denoiser: Denoiser, score: Score) -> None:
        super().__init__()
        self.denoiser, self.score, self.aware = denoiser, score, score.aware

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        ev = Evaluation(self.denoiser, x, level, problem, rng, self.score.differentiable)
        shift = (level.sigma**2 / level.alpha) * self.score(ev)
        est = ev.estimate
        return estimate(x, est.x0 + shift, level)


class DataFlow(ABC):
    """A map of states through which the data enter, from one noise level to another."""

    differentiable: bool = False
    requires: Needs = NOTHING

    @abstractmethod
    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        """The displacement of `x / alpha` from level `a` to `b` by the data alone.

        `ev` is the state (at its own level) and `fraction` the part of the whole step that
        `a -> b` is: flows whose size is a fixed nudge rather than a rate scale by it.
        """


M = TypeVar("M")


class Move(NamedTuple):
    """A step to be made: from state `x` at level `a`, with its estimate, to level `b`.

    `denoise(x, level)` serves multi-stage methods, `problem` those whose noise the data shape.
    """

    x: Tensor
    est: Estimate
    a: Level
    b: Level
    problem: Problem
    rng: Rng
    denoise: Callable[[Tensor, Level], Estimate]


def climb(x: Tensor, a: Level, b: Level, rng: Rng) -> Tensor:
    """Forward diffusion from level `a` up to the noisier `b` (time travel)."""
    scale = b.alpha / a.alpha
    spread = (b.sigma**2 - (scale * a.sigma) ** 2) ** 0.5
    return torch.add(rng.normal(x.shape).mul_(spread), x, alpha=scale)


class Transition(ABC, Generic[M]):
    """The prior's flow: from a state at level `a` to one at `b` given the estimate at `a`.

    Its memory is of type M.
    """

    eta: float = 0.0
    """Stochasticity: 0 an ODE step, 1 ancestral sampling."""
    requires: Needs = NOTHING

    def init(self) -> Any:
        """The memory before the first step."""
        return None

    @abstractmethod
    def step(self, move: Move, memory: M) -> tuple[Tensor, M]:
        """The state at `move.b` and the new memory."""

    def climb(self, x: Tensor, a: Level, b: Level, memory: M, rng: Rng) -> tuple[Tensor, M]:
        """The state at the noisier level `b` (time travel), diffused from `x`; its memory."""
        return climb(x, a, b, rng), self.init()


TURNS: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda x: x.flip(-1),
    lambda x: x.flip(-2),
    lambda x: x.mT,
)
"""Their products are the eight symmetries of the square; each is its own inverse."""


class Equivariant(Denoiser):
    """A denoiser turned and flipped at random, per sample and call.

    `T^-1 D(T x)`.

    A network's preferred directions no longer add up from call to call; costs no further call.

    Reference: Terris et al., 2024, arXiv:2312.01831 (drawn at random);
    Zhang et al., 2021, arXiv:2008.13751 (DPIR, in a fixed order).

    Raises:
        ValueError: for a denoiser that looks at the measurement, which is not turned along.
    """

    shuffles = True

    def __init__(self, denoiser: Denoiser) -> None:
        super().__init__()
        for part in denoiser.modules():
            if getattr(part, "aware", False):
                raise ValueError(
                    f"Equivariant: {type(part).__name__} looks at the measurement, which is not "
                    "turned with the picture; take equivariant=false"
                )
        self.denoiser = denoiser

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        square = x.shape[-1] == x.shape[-2]
        coins = (rng.normal((len(x), 3, 1, 1, 1)) > 0).unbind(1)
        chosen = list(zip(coins, TURNS if square else TURNS[:2], strict=False))
        turned = x
        for coin, turn in chosen:
            turned = torch.where(coin, turn(turned), turned)
        x0 = self.denoiser(turned, level, problem, rng).x0
        for coin, turn in reversed(chosen):
            x0 = torch.where(coin, turn(x0), x0)
        return estimate(x, x0, level)
