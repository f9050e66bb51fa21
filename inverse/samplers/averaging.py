"""Averaging a chain: from samples on the way to an estimate of the posterior mean."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from inverse.samplers.iterate import Iterate, State
from inverse.samplers.sampler import Sampler
from operators import Problem, Rng


class Averages(NamedTuple):
    """What `Averaged` remembers: the chain's own iterate, the mean so far and of how many."""

    chain: Iterate
    mean: Tensor
    count: int


class Averaged(Sampler):
    """A chain whose `x0` is, after `burn_in` steps, the mean of the estimates since then.

    Up to and including step `burn_in` (and so to the end of a shorter chain) it is the chain's
    own. The chain itself is not changed.

    Raises:
        ValueError: for a negative burn-in.
    """

    def __init__(self, chain: Sampler, burn_in: int) -> None:
        super().__init__()
        if burn_in < 0:
            raise ValueError(f"Averaged: burn_in must not be negative, got {burn_in}")
        self.chain, self.burn_in = chain, burn_in

    def walk(self, problem: Problem, rng: Rng, at: Iterate | State | None) -> Iterator[Iterate]:
        mean, count = None, 0
        if isinstance(at, Iterate):
            chain, mean, count = at.memory
            at = chain._replace(x=at.x)
        for iterate in self.chain.iterate(problem, rng, at):
            count = count + 1 if iterate.step > self.burn_in else 0
            mean = iterate.x0 if mean is None or count <= 1 else mean.lerp(iterate.x0, 1 / count)
            yield iterate._replace(x0=mean, memory=Averages(iterate, mean, count))
