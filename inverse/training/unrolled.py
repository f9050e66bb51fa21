"""Walks that can be differentiated: unrolled a checkpoint a step, with levels that are learned."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from inverse.denoise import BACKWARD, Prior, Unfit
from inverse.levels import CLEAN, Level
from inverse.priors import EDMPrior
from inverse.priors.swap import sharing
from inverse.samplers import Descent
from operators import Problem, Rng


def unroll(sampler: Descent, problem: Problem, rng: Rng) -> Tensor:
    """The estimate (B, C, H, W) at the end of a walk, to be differentiated.

    The numbers are those of `sampler.iterate`, with whose arguments it is called. Each step is a
    checkpoint: what it computed is dropped, and computed again on the way back with the same noise,
    so that memory is that of one step, and of an image or two for each.

    Raises:
        Unfit: for a walk that is guided by the network's own gradient, and whatever `iterate` does.
    """
    sampler.iterate(problem, rng)  # which looks at its arguments
    if BACKWARD in sampler.requires:
        raise Unfit(
            f"{sampler.kind} is guided by the network's gradient, whose own gradient is not kept; "
            "unroll a walk that lets the data in by a data step (idm, ddnm, diffpir, nested)"
        )
    walk = sharing(sampler)
    walk.step = _checkpointed(sampler.step)
    x0 = problem.y
    with torch.enable_grad():
        for iterate in walk.walk(problem, rng.of(problem.y.dtype), None):
            x0 = iterate.x0
    return x0


def _checkpointed(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step of a `Descent` that keeps its arguments alone, and draws the same when run again."""

    def run(x: Tensor, a: Level, b: Level, memory: Any, problem: Problem, rng: Rng) -> Any:
        before, ran = rng.state(), False

        def same(x: Tensor, memory: Any) -> Any:
            nonlocal ran
            after = rng.state()
            if ran:
                rng.restore(before)
            try:
                return step(x, a, b, memory, problem, rng)
            finally:
                if ran:
                    rng.restore(after)
                ran = True

        return checkpoint(same, x, memory, use_reentrant=False, preserve_rng_state=False)

    return run


class Learned(nn.Module):
    """A walk down levels whose logarithms are parameters, then CLEAN.

    Raises:
        ValueError: for levels that climb, or are infinite.
    """

    def __init__(self, levels: Sequence[Level]) -> None:
        super().__init__()
        nsrs = [level.nsr for level in levels if level.sigma > 0]
        if not nsrs or sorted(nsrs, reverse=True) != nsrs or nsrs[0] == float("inf"):
            raise ValueError(f"Learned: need finite levels that fall, got nsr {nsrs}")
        self.log_nsrs = nn.Parameter(torch.tensor(nsrs).log())

    @property
    def nsrs(self) -> list[float]:
        """The noise-to-signal ratios as they are now."""
        return self.log_nsrs.detach().exp().tolist()

    def forward(self, start: Level | None = None) -> tuple[Level, ...]:
        nsrs = self.log_nsrs.exp().unbind()
        return (*(Level(1.0, nsr) for nsr in nsrs), CLEAN)  # pyright: ignore[reportArgumentType]


class Told(Prior):
    """An `EDMPrior` whose estimates can be differentiated by the level too."""

    def __init__(self, prior: EDMPrior) -> None:
        super().__init__()
        self.prior, self.shape = prior, prior.shape

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        nsr = torch.as_tensor(level.nsr).to(x).expand(len(x))
        column = nsr.view(-1, 1, 1, 1)
        skip, out, into = self.prior.parametrisation.coefficients(Level(1.0, column))  # pyright: ignore[reportArgumentType]
        z = x / level.alpha
        return skip * z + out * self.prior.predict(into * z, nsr.log())
