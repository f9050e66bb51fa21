"""Another library's solver as a sampler of ours."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from inverse.denoise import Prior
from inverse.levels import CLEAN, Level
from inverse.samplers import Iterate, Sampler, State
from operators import Problem, Rng

Denoise = Callable[[Tensor, Level], Tensor]
"""E[x0 | x] of our prior at a level; images and noise in units of [-1, 1]."""

Method = Callable[[Denoise, Problem], Tensor]
"""Restores a problem of one sample; random numbers come from torch's own generator."""


class Peer(Sampler):
    """Restores sample by sample, torch's generator seeded from each sample's own stream.

    It yields once, at the end: the libraries show no estimates on the way. Network calls are
    counted per sample where a batch holds one (`batch=1`).
    """

    def __init__(self, prior: Prior, method: Method) -> None:
        super().__init__()
        self.prior, self.method = prior, method

    def walk(self, problem: Problem, rng: Rng, at: Iterate | State | None) -> Iterator[Iterate]:
        if at is not None:
            raise ValueError("Peer: starts from its own state only")
        found = []
        for b in range(len(problem)):
            one, ours = problem[b : b + 1], rng[b : b + 1]
            seed = int(ours.uniform((1,), torch.float64) * 2**53)

            def denoise(x: Tensor, level: Level, one: Problem = one, ours: Rng = ours) -> Tensor:
                return self.prior(x, level, one, ours).x0

            with torch.random.fork_rng():
                torch.manual_seed(seed)
                found.append(self.method(denoise, one).detach().float())
        x0 = torch.cat(found)
        yield Iterate(1, 1, CLEAN, x0, x0, None)
