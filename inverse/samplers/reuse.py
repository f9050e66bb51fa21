"""A walk that lends its priors a memory, as of deep features reused from call to call."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import nn

from inverse.denoise import Prior
from inverse.samplers.iterate import Iterate, State
from inverse.samplers.sampler import Sampler
from operators import Problem, Rng


class Remembered(NamedTuple):
    """What `Reusing` remembers: the walk's own iterate, and what each prior does."""

    walk: Iterate
    features: tuple[object, ...]


class Reusing(Sampler):
    """A sampler whose priors that reuse their calls (`Prior.fresh`) do so from one to the next.

    Their features belong to the walk and travel in its iterates: a walk begins without any, two
    walks of one sampler do not meet, resuming is exact, and nothing stays in the priors. Row b of
    a call must show the same picture as row b of the call before.

    Raises:
        ValueError: for a sampler that turns, tiles, resamples or selects what the network sees.
    """

    def __init__(self, sampler: Sampler) -> None:
        super().__init__()
        self.sampler = sampler
        self.priors = _reused(sampler)
        for part in sampler.modules():
            if getattr(part, "shuffles", False) and _reused(part):
                raise ValueError(
                    f"reuse: {type(part).__name__} does not show the network the same picture from "
                    "call to call; take reuse=1, or solver.equivariant=false, or no tiles"
                )

    def walk(self, problem: Problem, rng: Rng, at: Iterate | State | None) -> Iterator[Iterate]:
        features = tuple(prior.fresh for prior in self.priors)
        if isinstance(at, Iterate):
            walk, features = at.memory
            at = walk._replace(x=at.x)
        steps = self.sampler.iterate(problem, rng, at)
        while True:
            iterate, features = self._next(steps, features)
            if iterate is None:
                return
            yield iterate._replace(memory=Remembered(iterate, features))

    def _next(
        self, steps: Iterator[Iterate], features: tuple[object, ...]
    ) -> tuple[Iterate | None, tuple[object, ...]]:
        """The next iterate and the features after it; the priors hold them only meanwhile."""
        for prior, deep in zip(self.priors, features, strict=True):
            prior.memory = deep
        try:
            iterate = next(steps, None)
            return iterate, tuple(prior.memory for prior in self.priors)
        finally:
            for prior in self.priors:
                prior.memory = None


def reusing(sampler: Sampler) -> Sampler:
    """`Reusing` where a prior of the sampler reuses its calls; the sampler itself elsewhere."""
    if isinstance(sampler, Reusing):
        return sampler
    return Reusing(sampler) if _reused(sampler) else sampler


def _reused(whole: nn.Module) -> list[Prior]:
    """The priors inside that remember what they made in a call."""
    return [m for m in whole.modules() if isinstance(m, Prior) and m.fresh is not None]
