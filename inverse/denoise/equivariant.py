"""A denoiser made equivariant, on average, to the symmetries of the square."""

from collections.abc import Callable

import torch
from torch import Tensor

from inverse.denoise.denoisers import Denoiser, Estimate, estimate
from inverse.denoise.needs import Needs
from inverse.levels import Level
from operators import Problem, Rng

TURNS: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda x: x.flip(-1),
    lambda x: x.flip(-2),
    lambda x: x.mT,
)
"""Their products are the eight symmetries of the square; each is its own inverse."""


class Equivariant(Denoiser):
    """``T^-1 D(T x)``: T a random flip, or turn of square images, per sample and call.

    A network's preferred directions no longer add up from call to call; costs no further call.

    Reference: Terris et al., 2024, arXiv:2312.01831 (drawn at random);
    Zhang et al., 2021, arXiv:2008.13751 (DPIR, in a fixed order).
    """

    def __init__(self, denoiser: Denoiser) -> None:
        super().__init__()
        self.denoiser = denoiser

    @property
    def requires(self) -> Needs:
        return self.denoiser.requires

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        square = x.shape[-1] == x.shape[-2]
        coins = (rng.normal((len(x), 3, 1, 1, 1)) > 0).unbind(1)
        chosen = list(zip(coins, TURNS if square else TURNS[:2], strict=False))
        turned = x
        for coin, turn in chosen:
            turned = torch.where(coin, turn(turned), turned)
        x0 = self.denoiser(turned, level, problem, rng).x0
        for coin, turn in reversed(chosen):
            x0 = torch.where(coin, turn(x0), x0)
        return estimate(x, x0, level)
