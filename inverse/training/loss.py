"""The denoising loss, and the random draws of a step."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from inverse.priors import EDMPrior
from inverse.training.fields import draw_field
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
        """Of images and noise (B, 3, H, W), log nsr (B,) and numbers of classes (B,): a scalar.

        Log nsr may be a field too, (B, 3, H, W), for a network that is told the noise of every
        value.
        """
        nsr = log_nsr.exp()
        nsr = nsr.view(-1, 1, 1, 1) if nsr.ndim == 1 else nsr
        skip, out, into = self.prior.parametrisation.coefficients(nsr)
        z = x0 + nsr * noise
        target = (x0 - skip * z) / out
        return (self.prior.predict(into * z, log_nsr, labels) - target).square().mean()


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
