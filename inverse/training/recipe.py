"""How to train: the numbers, and the noise levels drawn by them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        minutes: training time over all sessions; the learning rate follows its share spent.
        steps: end after so many steps even if time is left.
        batch, patch: patches per step (of all processes together) and their side in pixels.
        whole: whole pictures, scaled to `patch` and mirrored left to right, as of objects;
            otherwise patches of them, flipped and turned.
        muon: `Muon` for the inner convolutions, Adam for the rest; else Adam for all.
        rate, warmup, decay: peak learning rate, steps of linear warm-up, final share of
            the run in which the rate falls linearly to zero.
        average: decay of the exponential moving average of the weights.
        centre, spread: mean and standard deviation of log nsr (a normal law). Of a flow's time t,
            whose logit is log nsr, this is the logit-normal law (Esser et al., 2024: 0 and 1).
        uniform, low, high: share of patches whose log nsr is uniform in [low, high] instead, so
            that the prior sees the whole path of a sampler.
        levels: noise-to-signal ratios that log nsr is drawn from in place of the normal law: those
            of the walk that a network is trained for.
        fields: share of steps with noise that is uneven over the patch, see `draw_field`.
        rescale: patches are cut larger and scaled down by a factor in [rescale, 1], for every
            second of them; 1: never.
        flat: patches with a mean local standard deviation below it (of the range 2) are drawn
            again, twice at most; 0: never.
        unlabelled: share of patches trained without their class, for classifier-free guidance.
        every: minutes between checkpoints.
        clip: largest norm of the gradient.
        seed: of patches, noise and initial weights.
    """

    minutes: float = 90.0
    steps: int = 1_000_000
    batch: int = 8
    patch: int = 64
    whole: bool = False
    muon: bool = False
    rate: float = 8e-4
    warmup: int = 200
    decay: float = 0.4
    average: float = 0.999
    centre: float = -1.4
    spread: float = 1.2
    uniform: float = 0.25
    low: float = 0.002
    high: float = 80.0
    levels: Sequence[float] = ()
    fields: float = 0.0
    rescale: float = 1.0
    flat: float = 0.0
    unlabelled: float = 0.1
    every: float = 5.0
    clip: float = 1.0
    seed: int = 0

    def rate_at(self, step: int, share: float) -> float:
        """The learning rate at a step, with a share in [0, 1] of the run spent."""
        return self.rate * min(1.0, (step + 1) / self.warmup, max(1 - share, 0.0) / self.decay)


def draw_nsr(count: int, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """log nsr of `count` patches (B,)."""
    if recipe.levels:
        chosen = torch.randint(len(recipe.levels), (count,), generator=generator)
        often = torch.tensor(recipe.levels).log()[chosen]
    else:
        often = torch.randn(count, generator=generator) * recipe.spread + recipe.centre
    low, high = math.log(recipe.low), math.log(recipe.high)
    flat = torch.rand(count, generator=generator) * (high - low) + low
    return torch.where(torch.rand(count, generator=generator) < recipe.uniform, flat, often)
