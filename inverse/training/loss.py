"""The denoising loss, and the random draws of a step."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from inverse.priors.edm import EDMPrior
from inverse.training.recipe import Recipe, draw_nsr


class Loss(nn.Module):
    """Mean squared error of the raw network, of unit weight in its own parametrisation.

    Reference: Karras et al., 2022, arXiv:2206.00364, eq. 8 (edm); Lipman et al., 2023,
    arXiv:2210.02747, eq. 23 (flow: of the velocity).
    """

    def __init__(self, prior: EDMPrior) -> None:
        super().__init__()
        self.prior = prior

    def forward(
        self, x0: Tensor, log_nsr: Tensor, noise: Tensor, labels: Tensor | None = None
    ) -> Tensor:
        """Of images and noise (B, 3, H, W), log nsr (B,) and numbers of classes (B,): a scalar."""
        nsr = log_nsr.exp().view(-1, 1, 1, 1)
        skip, out, into = self.prior.parametrisation.coefficients(nsr)
        z = x0 + nsr * noise
        target = (x0 - skip * z) / out
        return (self.prior.predict(into * z, log_nsr, labels) - target).square().mean()


class Draws(NamedTuple):
    """What is random in a step: log nsr (B,), noise (B, 3, H, W), who goes unlabelled (B,)."""

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
    return Draws(log_nsr, noise, coins < recipe.unlabelled)
