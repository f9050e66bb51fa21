"""Sampling an image and its code, in turn."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from inverse.levels import CLEAN
from inverse.priors.classes import Classes
from inverse.samplers.iterate import Iterate, State
from inverse.samplers.particles.resampling import choose
from inverse.samplers.sampler import Sampler
from operators import Problem, Rng
from operators.solve import widest


class Coded(Sampler):
    """Gibbs sampling of an image and the class it is of: both are the state.

    `x0 ~ p(x0 | c, y)` by a solver over the prior of class c, then `c ~ w_c p(x0 | c)`, in turn.

    What a sweep yields has the codes (B,) drawn given its images as its `memory`. With exact parts
    images and codes are draws from the joint posterior as sweeps grow. Where classes hardly overlap
    the code sticks to the one it began with: an image of one class is never likely in another. Then
    compare their evidence (`training.evidence.class_posterior`).

    Args:
        classes: the priors. solver: prior -> sampler, that draws. sweeps: how many.

    Raises:
        ValueError: for fewer than one sweep.

    Reference: Preechakul et al., 2022, arXiv:2111.15640 (a prior of images with a code).
    """

    def __init__(self, classes: Classes, solver: Callable[..., Sampler], sweeps: int = 10) -> None:
        super().__init__()
        if not isinstance(sweeps, int) or sweeps < 1:
            raise ValueError(f"Coded: sweeps must be a whole number above 0, got {sweeps!r}")
        self.classes, self.solver, self.sweeps = classes, solver, sweeps
        self.needs = solver(classes.coded(torch.zeros(1, dtype=torch.long))).requires

    def walk(self, problem: Problem, rng: Rng, at: Iterate | State | None) -> Iterator[Iterate]:
        shares = self.classes.log_weights.to(problem.y).expand(len(rng), -1)
        if isinstance(at, State):
            shares = self.classes.given(at.x, rng)
        done, code = (at.step, at.memory) if isinstance(at, Iterate) else (0, _drawn(shares, rng))
        for k in range(done, self.sweeps):
            x0 = problem.y
            for iterate in self.solver(self.classes.coded(code)).walk(problem, rng, None):
                x0 = iterate.x0
            code = _drawn(self.classes.given(x0, rng), rng)
            yield Iterate(k + 1, self.sweeps, CLEAN, x0, x0, code)


def _drawn(log_shares: Tensor, rng: Rng) -> Tensor:
    points = rng.uniform((len(log_shares), 1), widest(log_shares.device))
    return choose(log_shares.softmax(1), points)[:, 0]
