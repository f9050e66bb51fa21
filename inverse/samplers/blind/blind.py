"""A walk that finds out on the way what it was not told of the problem."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from inverse.denoise import ErrorSpectrum, Prior, check, climb
from inverse.levels import CLEAN, Level, Path
from inverse.priors import Channels
from inverse.samplers.blind.coordinates import PIXELWISE
from inverse.samplers.blind.drawing import drawn
from inverse.samplers.blind.refits import Refit
from inverse.samplers.found import Found, known
from inverse.samplers.iterate import Iterate, State
from inverse.samplers.sampler import Descent, Sampler
from operators import Problem, Rng

NOWHERE = Level(0.0, 1.0)
LOOKS = (1.0, 0.5, 0.25, 0.12)


class Known(NamedTuple):
    """What `Blind` remembers.

    Attributes:
        inner: the memory of the walk inside. found: by each refit. image: a draw of the image given
            y and what was found, (B, C, H, W). looks: how many there were.
    """

    inner: Any
    found: tuple[Found, ...]
    image: Tensor
    looks: int


def priors_in(sampler: Sampler) -> list[Prior | Channels]:
    """What knows images in it, the outermost first."""
    return [module for module in sampler.modules() if isinstance(module, Prior | Channels)]


class Blind(Descent[Known]):
    """A descent that finds out what is not known of the problem, by its evidence at the level.

    `theta = E[theta | y, D]`, `p(y | D, theta) = N(y; A D, A R A^T + sigma_y^2 I)` of theta's own A
    and sigma_y, with the prior's estimate D at a state `x0 + nsr n` and the variance R of its error
    (`errors`). Then x0 is drawn anew, `x0 ~ N(D, R) N(y; A x0, sigma_y^2 I)`, for the next look.
    At first D is grey and R the spectrum of images, which costs no network call; before each of
    the walk's first steps there may be a look, one call, at the next lower nsr, and the step takes
    the problem as it is known by then.

    The walk's own estimates would not do for x0: smoother than images, they are explained by
    less blur and noise. Nor does the misfit without `A R A^T`: it ends at no blur, no noise.

    Iterates carry what was found (`Iterate.found`). With nothing to find the walk is the inner one,
    bit by bit.

    Args:
        sampler: a descent, with a prior of images inside.
        refits: what is to be found, in this order.
        errors: of that prior; its own (`Prior.errors`) where not given.
        looks: the nsr of each; `LOOKS` where not given, and none where each pixel is kept or lost:
            there flat patches tell the noise by themselves, and the error of D looks as white.

    Raises:
        TypeError: for a sampler that steps down no levels.
        ValueError: without a prior inside, or its errors.
    """

    shuffles = True

    def __init__(
        self,
        sampler: Descent,
        refits: Sequence[Refit],
        errors: ErrorSpectrum | None = None,
        looks: Sequence[float] | None = None,
    ) -> None:
        if not isinstance(sampler, Descent):
            raise TypeError(
                f"Blind: needs a sampler that steps down levels (nested), got {sampler.kind}"
            )
        super().__init__(sampler.grid)
        priors = priors_in(sampler)
        errors = errors or next(filter(None, (prior.errors for prior in priors)), None)
        if not priors or errors is None:
            raise ValueError(
                "Blind: the errors of this prior are not known; measure them once: inverse errors "
                "prior=... images=..."
            )
        self.sampler, self.prior, self.clean = sampler, priors[0], sampler.clean
        self.errors, self.looks, self.refits = errors, looks, tuple(refits)
        self.needs = frozenset().union(*(refit.requires for refit in refits))

    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, Known]:
        found, image = self._first(problem, rng)
        x, inner = self.sampler.begin(known(problem, found), rng, level)
        return x, Known(inner, found, image, 0)

    def adopt(self, x: Tensor, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, Known]:
        found, image = self._first(problem, rng)
        x, inner = self.sampler.adopt(x, known(problem, found), rng, level)
        return x, Known(inner, found, image, 0)

    def climb(self, x: Tensor, a: Level, b: Level, memory: Known, rng: Rng) -> tuple[Tensor, Known]:
        x, inner = self.sampler.climb(x, a, b, memory.inner, rng)
        return x, memory._replace(inner=inner)

    def cost(self, level: Level) -> float:
        return self.sampler.cost(level)

    def step(
        self, x: Tensor, a: Level, b: Level, memory: Known, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, Known]:
        looks = self.looks
        if looks is None:
            looks = () if isinstance(problem.operator, PIXELWISE) else LOOKS
        if self.refits and memory.looks < len(looks):
            memory = self._look(memory, looks[memory.looks], problem, rng)
        told = known(problem, memory.found)
        state, x0, inner = self.sampler.step(x, a, b, memory.inner, told, rng)
        return state, x0, memory._replace(inner=inner)

    def descend(
        self,
        problem: Problem,
        rng: Rng,
        at: Iterate | State | None,
        path: Path,
        plan: Callable[[Path], Path] = lambda path: path,
    ) -> Iterator[Iterate]:
        for iterate in super().descend(problem, rng, at, path, plan):
            yield iterate._replace(found=iterate.memory.found)

    def _first(self, problem: Problem, rng: Rng) -> tuple[tuple[Found, ...], Tensor]:
        """What the data say by themselves, of an image of which nothing else is known."""
        operator = problem.operator
        grey = operator.anchor.new_zeros((len(problem), *operator.in_shape))
        found, image = self._refitted(problem, grey, NOWHERE, (), _aside(rng, "begin"))
        check(self.sampler.requires, known(problem, found), "the solver")
        return found, image

    def _look(self, memory: Known, nsr: float, problem: Problem, rng: Rng) -> Known:
        """What they say once the prior has looked at the image as it was drawn last."""
        level, aside = Level(1.0, nsr), _aside(rng, "look")
        z = climb(memory.image, CLEAN, level, aside)
        x0 = self.prior(z, level, problem, aside).x0
        found, image = self._refitted(problem, x0, level, memory.found, aside)
        return memory._replace(found=found, image=image, looks=memory.looks + 1)

    def _refitted(
        self, problem: Problem, x0: Tensor, level: Level, found: tuple[Found, ...], rng: Rng
    ) -> tuple[tuple[Found, ...], Tensor]:
        r2 = self.errors.at(level, problem.operator.in_shape)
        now: list[Found | None] = [*found] or [None] * len(self.refits)
        for place, refit in enumerate(self.refits):
            now[place] = refit(known(problem, [*filter(None, now)]), x0, r2, now[place])
        found = tuple(filter(None, now))
        return found, drawn(known(problem, found), x0, r2, rng)


def _aside(rng: Rng, purpose: str) -> Rng:
    """Streams of their own, which leave these where they stand: the walk draws as without them."""
    before = rng.state()
    aside = rng.fork(purpose)
    rng.restore(before)
    return aside
