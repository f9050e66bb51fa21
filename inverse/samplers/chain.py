"""A chain of clean images, whatever noise is put on them on the way."""

from collections.abc import Iterator

from torch import Tensor

from inverse.levels import CLEAN, Level
from inverse.samplers.sampler import Descent, Iterate
from operators import Problem, Rng


class Chain(Descent):
    """A descent whose states are clean images, whatever the level it acts at.

    So it can be stopped at any time, and a state to start from is an image.
    """

    def walk(
        self,
        problem: Problem,
        rng: Rng,
        x: Tensor | None,
        start: Level | None,
        resume: Iterate | None,
    ) -> Iterator[Iterate]:
        for iterate in super().walk(problem, rng, x, start, resume):
            yield iterate._replace(level=CLEAN)
