"""A prior that computes its deep features at every n-th call and reuses them in between."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from inverse.denoise import Prior
from inverse.levels import Level
from inverse.priors.cheaper.parted import halves
from inverse.priors.networked import NetworkPrior
from inverse.priors.swap import with_network


class Deep(NamedTuple):
    """What a walk remembers of a `Reused` prior: the last features, of how many calls ago.

    `nsr` and `shape` are those of the last call. Nothing in it is ever changed in place.
    """

    features: Any
    age: int
    nsr: float
    shape: tuple[int, ...]


NOTHING_YET = Deep(None, 0, 0.0, ())


class Reused(Prior):
    """A prior whose deep features serve `every` calls in a row.

    Only within a walk that lends it a memory (`inverse.samplers.Reusing`, and so `solve`); alone it
    is the prior itself, exactly, and so it is where a gradient is asked for. Features are computed
    anew also where the noise has risen (an inner chain begins again) or the shape has changed.

    Args:
        prior: one with a `network` of diffusers, a UNet or a transformer. every: 2 or more.
        compile: run the network's two halves through `torch.compile`.

    Raises:
        ValueError: for `every` below 2 or a network that cannot be parted.
    """

    fresh = NOTHING_YET
    memory: Deep | None

    def __init__(self, prior: NetworkPrior, every: int = 2, compile: bool = False) -> None:
        super().__init__()
        if every < 2:
            raise ValueError(f"reuse: every must be 2 or more (1: no reuse), got {every}")
        parted = halves(prior.network)
        self.network = _Lent(torch.compile(parted) if compile else parted, parted.config)
        self.prior, self.every = with_network(prior, self.network), every
        self.shape, self.memory = prior.shape, None

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        old = self.memory
        if old is None or (torch.is_grad_enabled() and x.requires_grad):
            return self.prior.denoise(x, level)
        same = old.shape == tuple(x.shape) and level.nsr <= old.nsr
        age = old.age % self.every if same else 0
        x0, made = self.network.lent(old.features if age else None, self.prior, x, level)
        self.memory = Deep(made, age + 1, level.nsr, tuple(x.shape))
        return x0


class _Lent(nn.Module):
    """The network as a prior calls it, its features lent for a call and taken back."""

    def __init__(self, run: Any, config: Any) -> None:
        super().__init__()
        self.run, self.config = run, config
        self.slot: list | None = None  # filled while `lent` runs, and only then

    def lent(
        self, features: Any, prior: NetworkPrior, x: Tensor, level: Level
    ) -> tuple[Tensor, Any]:
        """The prior's estimate with these features (None: new ones), and those it then has."""
        self.slot = slot = [features]
        try:
            return prior.denoise(x, level), slot[0]
        finally:
            self.slot = None

    def forward(
        self, z: Tensor, t: Tensor, class_labels: Tensor | None = None, return_dict: bool = False
    ) -> tuple[Tensor]:
        slot = self.slot
        out, features = self.run(z, t, class_labels, slot[0] if slot else None)
        if slot:
            slot[0] = features
        return (out,)
