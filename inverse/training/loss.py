"""The denoising loss, and the random draws of a step."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inverse.levels import Level
from inverse.priors import EDMPrior
from inverse.priors.edm import HIGH
from inverse.training.recipe import Recipe, draw_nsr
from operators import bayer, masks


class Loss(nn.Module):
    """Mean squared error of the raw network, of unit weight in its own parametrisation.

    Reference: Karras et al., 2022, arXiv:2206.00364, eq. 8 (edm); Lipman et al., 2023,
    arXiv:2210.02747, eq. 23 (flow: of the velocity).
    """

    def __init__(self, prior: EDMPrior) -> None:
        super().__init__()
        self.prior = prior

    def forward(
        self,
        x0: Tensor,
        log_nsr: Tensor,
        noise: Tensor,
        labels: Tensor | None = None,
        told: Tensor | None = None,
    ) -> Tensor:
        """Of images and noise (B, 3, H, W), log nsr (B,) and numbers of classes (B,): a scalar.

        Log nsr may be a field too, (B, 3, H, W), for a network that is told the noise of every
        value; where it is infinite z says nothing and is 0, as `EDMPrior.restore` has it. `told`
        (B, extra, H, W) is what an informed network is told of the measurement; what its first
        channels lack is the picture of a paired one.
        """
        if told is not None and self.prior.config["paired"]:
            x0 = x0 - told[:, : x0.shape[1]]
        lost, log_nsr = log_nsr.isinf(), log_nsr.clamp(max=math.log(HIGH))
        nsr = log_nsr.exp()
        if nsr.ndim == 1:
            nsr, lost = nsr.view(-1, 1, 1, 1), lost.view(-1, 1, 1, 1)
        skip, out, into = self.prior.parametrisation.coefficients(Level(1.0, nsr))  # pyright: ignore[reportArgumentType]
        z = (x0 + nsr * noise).masked_fill(lost, 0.0)
        target = (x0 - skip * z) / out
        prior = self.prior if told is None else self.prior.informed(told)
        return (prior.predict(into * z, log_nsr, labels) - target).square().mean()


class Draws(NamedTuple):
    """What is random in a step: log nsr (B,) or of every value, noise (B, 3, H, W), who goes
    unlabelled (B,)."""

    log_nsr: Tensor
    noise: Tensor
    unlabelled: Tensor


def draws(step: int, recipe: Recipe) -> Draws:
    """The draws of a step for the whole batch; they depend on the seed and the step alone."""
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    log_nsr = draw_nsr(recipe.batch, recipe, generator)
    shape = (recipe.batch, 3, recipe.patch, recipe.patch)
    noise = torch.randn(shape, generator=generator)
    coins = torch.rand(recipe.batch, generator=generator)
    if recipe.fields and float(torch.rand((), generator=generator)) < recipe.fields:
        log_nsr = draw_field(log_nsr, recipe.patch, generator)
    return Draws(log_nsr, noise, coins < recipe.unlabelled)


SMOOTH, CHANNELWISE = 0.27, 0.13  # shares of the patches; the others have a hole
KNOWN_LOW, KNOWN_HIGH = 0.002, 0.3


def draw_field(base: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Log nsr (B, 3, size, size) of a batch of patches whose levels would be `base` (B,).

    Each patch is one of: a hole (box, strokes, half, random pixels or values, Bayer's colours),
    lost (inf), at its level or at one that is log-uniform up to 80, each for every third, around
    pixels that are known (0.002) or less noisy (log-uniform in [0.002, 0.3]); two levels blended
    smoothly; a level for each colour.
    """
    return torch.stack([_field(level, size, generator) for level in base])


def _field(level: Tensor, size: int, generator: torch.Generator) -> Tensor:
    kind = _uniform(generator)
    if kind < SMOOTH:
        other = _log_uniform(KNOWN_LOW, 3.0, generator)
        return level + (other - level) * _blend(size, generator).expand(3, -1, -1)
    if kind < SMOOTH + CHANNELWISE:
        more = [_log_uniform(KNOWN_LOW, 3.0, generator) for _ in range(2)]
        return (
            torch.stack([level, *map(level.new_tensor, more)]).view(3, 1, 1).repeat(1, size, size)
        )
    holes = (math.inf, float(level), _log_uniform(0.05, HIGH, generator))
    hole = holes[int(torch.randint(3, (), generator=generator))]
    known = math.log(KNOWN_LOW)
    if _uniform(generator) < 0.5:
        known = _log_uniform(KNOWN_LOW, KNOWN_HIGH, generator)
    known = min(known, hole)
    kept = _kept(size, generator)
    return torch.where(kept, level.new_tensor(known), level.new_tensor(hole))


def _kept(size: int, generator: torch.Generator) -> Tensor:
    """True where a value is known (3, size, size)."""
    shape, seed = (3, size, size), int(torch.randint(1 << 30, (), generator=generator))
    kind = int(torch.randint(6, (), generator=generator))
    if kind == 0:
        sides = [max(1, int(size * (0.2 + 0.6 * _uniform(generator)))) for _ in range(2)]
        corner = [int((size - side + 1) * _uniform(generator)) for side in sides]
        kept = masks.box(shape, *sides, *corner)
    elif kind == 1:
        kept = masks.brush(shape, 1 + seed % 4, 0.05 + 0.15 * _uniform(generator), seed)
    elif kind == 2:
        kept = masks.half(shape, ("left", "right", "top", "bottom")[seed % 4])
    elif kind == 5:
        kept = bayer(shape).mask.bool()
    else:
        keep = 0.05 + 0.9 * _uniform(generator)
        kept = masks.random(shape, keep, seed, channelwise=kind == 4)
    return kept.expand(shape)


def _blend(size: int, generator: torch.Generator) -> Tensor:
    """A smooth field in [0, 1], (1, size, size): 0 and 1 somewhere."""
    knots = int(torch.randint(2, 7, (), generator=generator))
    coarse = torch.rand((1, 1, knots, knots), generator=generator)
    field = torch.nn.functional.interpolate(
        coarse, (size, size), mode="bicubic", align_corners=True
    )[0]
    low, high = field.amin(), field.amax()
    return (field - low) / (high - low)


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))


def _log_uniform(low: float, high: float, generator: torch.Generator) -> float:
    return math.log(low) + (math.log(high) - math.log(low)) * _uniform(generator)
