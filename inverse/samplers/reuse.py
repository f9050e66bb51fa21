"""A walk that lends its priors a memory: deep features reused from call to call."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from inverse.denoise import Equivariant, Memory, Needs
from inverse.levels import Level
from inverse.priors import Reused, Tiled
from inverse.priors.cheaper.reused import NOTHING_YET, Deep
from inverse.samplers.particles import Particles
from inverse.samplers.sampler import Iterate, Sampler
from inverse.samplers.selection import Selection
from operators import Problem, Rng

SHUFFLING = (Equivariant, Particles, Selection, Tiled)
"""What gives the network another picture in place of the one it saw in its last call."""


class Remembered(NamedTuple):
    """What `Reusing` remembers: the walk's own memory, and the features of each prior."""

    walk: Memory
    features: tuple[Deep, ...]


class Reusing(Sampler):
    """A sampler whose `Reused` priors keep their deep features from one call to the next.

    The features belong to the walk and travel in its iterates: a walk begins without any, two
    walks of one sampler do not meet, resuming is exact, and nothing stays in the priors. Row b of
    a call must show the same picture as row b of the call before.

    Raises:
        ValueError: for a sampler that turns, tiles, resamples or selects what the network sees.
    """

    def __init__(self, sampler: Sampler) -> None:
        super().__init__()
        self.sampler = sampler
        self.priors = [module for module in sampler.modules() if isinstance(module, Reused)]
        for part in sampler.modules():
            if isinstance(part, SHUFFLING) and any(isinstance(m, Reused) for m in part.modules()):
                raise ValueError(
                    f"reuse: {type(part).__name__} does not show the network the same picture from "
                    "call to call; take reuse=1, or solver.equivariant=false, or no tiles"
                )

    @property
    def requires(self) -> Needs:
        return self.sampler.requires

    @torch.no_grad()
    def walk(
        self,
        problem: Problem,
        rng: Rng,
        x: Tensor | None,
        start: Level | None,
        resume: Iterate | None,
    ) -> Iterator[Iterate]:
        features = (NOTHING_YET,) * len(self.priors)
        if resume is not None:
            assert isinstance(resume.memory, Remembered)
            memory, features = resume.memory
            resume = resume._replace(memory=memory)
        steps = self.sampler.iterate(problem, rng, x, start, resume)
        while True:
            iterate, features = self._next(steps, features)
            if iterate is None:
                return
            yield iterate._replace(memory=Remembered(iterate.memory, features))

    def _next(
        self, steps: Iterator[Iterate], features: tuple[Deep, ...]
    ) -> tuple[Iterate | None, tuple[Deep, ...]]:
        """The next iterate and the features after it; the priors hold them only meanwhile."""
        for prior, deep in zip(self.priors, features, strict=True):
            prior.memory = deep
        try:
            iterate = next(steps, None)
            return iterate, tuple(p.memory or NOTHING_YET for p in self.priors)
        finally:
            for prior in self.priors:
                prior.memory = None


def reusing(sampler: Sampler) -> Sampler:
    """`Reusing` where a prior of the sampler reuses; the sampler itself elsewhere."""
    if isinstance(sampler, Reusing):
        return sampler
    return Reusing(sampler) if any(isinstance(m, Reused) for m in sampler.modules()) else sampler
