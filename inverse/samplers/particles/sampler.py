"""Particles: N states per measurement, weighted, resampled, of which one is drawn."""

from typing import NamedTuple

import torch
from torch import Tensor

from inverse.denoise import Denoiser, Evaluation
from inverse.levels import Level, Walk
from inverse.samplers.door import check_maker
from inverse.samplers.iterate import Iterate
from inverse.samplers.particles.proposal import Proposal
from inverse.samplers.particles.resampling import Resampling, choose, flat
from inverse.samplers.sampler import Descent
from operators import Problem, Rng
from operators.solve import widest


class Cloud(NamedTuple):
    """What `Particles` remembers: log-weights (B, N), and the data `(B, *out_shape)` if noised."""

    log_weights: Tensor
    data: Tensor | None


class Particles(Descent[Cloud]):
    """Sequential Monte Carlo: the states of an `Iterate` are `count` particles per measurement.

    Particle j of measurement i is row `i count + j` of `Iterate.x`. Each step evaluates all
    particles, weighs them, resamples within the groups that have become unequal, and moves them.
    `Iterate.x0` is of one particle per measurement, drawn by weight: on clean levels the
    particle, on the way its estimate. `weighted` gives them all. A group has its own stream of
    random numbers and depends on no other.

    Costs `count` network evaluations per step and measurement.

    Reference: Doucet, de Freitas and Gordon, 2001, doi:10.1007/978-1-4757-3437-9.

    Args:
        prior: what estimates the clean image. proposal: how particles move and what they weigh.
        grid: the levels. count: particles per measurement. resampling: when and how.

    Raises:
        ValueError: for a count below 1.
    """

    shuffles = True

    def __init__(
        self,
        prior: Denoiser,
        proposal: Proposal,
        grid: Walk,
        count: int,
        resampling: Resampling | None = None,
    ) -> None:
        super().__init__(grid)
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"Particles: count must be a whole number above 0, got {count!r}")
        self.prior, self.proposal = prior, proposal
        self.count, self.resampling = count, resampling or Resampling()

    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, Cloud]:
        cloud = self._cloud(problem, rng, level)
        many, streams = problem.repeat(self.count), rng.each(self.count)
        return self.proposal.start(level, cloud.data, many, streams), cloud

    def adopt(self, x: Tensor, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, Cloud]:
        return x.repeat_interleave(self.count, 0), self._cloud(problem, rng, level)

    def _cloud(self, problem: Problem, rng: Rng, level: Level) -> Cloud:
        """Particles of equal weight."""
        data, device = self.proposal.observe(None, problem, rng, None, level), problem.y.device
        return Cloud(torch.zeros(len(rng), self.count, dtype=widest(device), device=device), data)

    def step(
        self, x: Tensor, a: Level, b: Level, memory: Cloud, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, Cloud]:
        data = self.proposal.observe(memory.data, problem, rng, a, b)
        many, streams = problem.repeat(self.count), rng.each(self.count)
        ev = Evaluation(self.prior, x, a, many, streams, self.proposal.differentiable)
        x, x0, weights = self._step(ev, b, memory.log_weights, data, rng)
        return x, x0, Cloud(weights, data)

    def _step(
        self, ev: Evaluation, b: Level, log_weights: Tensor, data: Tensor | None, rng: Rng
    ) -> tuple[Tensor, Tensor, Tensor]:
        """New states (B N, ...), the estimate of one particle each (B, ...), new log-weights."""
        forecast = self.proposal.forecast(ev, b)
        log_weights = log_weights + self.proposal.weigh(ev, forecast, b, data).view_as(log_weights)
        ancestors, log_weights = self.resampling(log_weights, rng)
        rows = flat(ancestors)
        picked = forecast.pick(rows)
        state, gained = self.proposal.move(picked, ev.level, b, data, ev.problem, ev.rng)
        shown = state if b.sigma == 0 else ev.estimate.x0[rows]
        x0 = draw(shown, log_weights, rng)
        if isinstance(gained, Tensor):
            log_weights = log_weights + gained.view_as(log_weights)
        return state, x0, log_weights

    def weighted(self, iterate: Iterate) -> tuple[Tensor, Tensor]:
        """All particles (B, N, C, H, W) of an iterate, and their weights (B, N), of sum one.

        Raises:
            ValueError: for an iterate of another sampler.
        """
        check_maker(self.kind, iterate)
        log_weights = iterate.memory.log_weights
        return iterate.x.unflatten(0, tuple(log_weights.shape)), log_weights.softmax(1)


def draw(x: Tensor, log_weights: Tensor, rng: Rng) -> Tensor:
    """One of each group of particles (B N, ...), by weight (B, N): (B, ...).

    NaN where a group's weights are, so that a run that has diverged shows it.
    """
    weights = log_weights.softmax(1)
    chosen = choose(weights, rng.uniform((len(weights), 1), widest(weights.device)))
    groups = x.unflatten(0, tuple(weights.shape))
    one = groups.take_along_dim(chosen.view(-1, *[1] * (groups.ndim - 1)), 1).squeeze(1)
    lost = weights.isnan().any(1).view(-1, *[1] * (one.ndim - 1))
    return one.masked_fill(lost, torch.nan)
