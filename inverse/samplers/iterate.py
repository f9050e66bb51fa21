"""What a sampler yields, and what it starts or goes on from."""

from typing import Any, NamedTuple

from torch import Tensor

from inverse.levels import CLEAN, Level, Listed, Path
from inverse.samplers.found import Found


class State(NamedTuple):
    """A state (B, C, H, W) to start from, and the level it is at (None: the sampler's first)."""

    x: Tensor
    level: Level | None = None


class Iterate(NamedTuple):
    """What a sampler yields after each step, enough to go on from there.

    Attributes:
        step, steps: this step, from 1, and how many there are.
        level: the level that `x` is at.
        x: the state (B, C, H, W).
        x0: the current estimate of the image (B, C, H, W).
        memory: what the sampler remembers, of its own type.
        path: the steps to come.
        by: the `Sampler.kind` that made it; another does not take it.
        found: what was found of the problem, by a walk that was not told all of it (`Blind`).
    """

    step: int
    steps: int
    level: Level
    x: Tensor
    x0: Tensor
    memory: Any
    path: Path = Listed((CLEAN,))
    by: str = ""
    found: tuple[Found, ...] = ()

    def edited(self, x0: Tensor) -> "Iterate":
        """This iterate with another estimate, (B, C, H, W), painted on or mended elsewhere.

        The state moves along by `alpha (x0' - x0)`: its noise stays. Go on from there by
        `sampler.iterate(problem, rng, iterate.edited(x0))`, with the problem changed too, if
        need be.
        """
        return self._replace(x0=x0, x=self.x + self.level.alpha * (x0 - self.x0))
