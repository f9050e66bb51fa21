"""Priors of several classes of images as one, each image of the class that its code says."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from inverse.denoise import Prior
from inverse.levels import Level
from operators import Rng

LOW, HIGH, LEVELS = 0.02, 30.0, 16
"""The noise that images are told apart by, evenly spaced in the logarithm."""

Likelihood = Callable[[Tensor, Rng], Tensor]
"""Images -> `log p(x0 | c)` (B, K), up to a number for each."""


class Classes(nn.Module):
    """A prior for each of K classes: `p(x0) = sum_c w_c p(x0 | c)`, c the code of an image.

    Args:
        priors: of each class: `[prior.labelled(k) for k in ...]`, or networks trained apart.
        weights: (K,), positive, normalised here; even where not given.
        likelihood: of images in every class, where it is known; else by denoising them.

    Raises:
        ValueError: for no priors, or weights that do not fit or are not positive.
    """

    def __init__(
        self,
        priors: Sequence[Prior],
        weights: Tensor | None = None,
        likelihood: Likelihood | None = None,
    ) -> None:
        super().__init__()
        weights = torch.ones(len(priors)) if weights is None else weights
        if not priors or weights.shape != (len(priors),) or not bool((weights > 0).all()):
            raise ValueError(
                f"Classes: need priors and a positive weight for each, got {len(priors)} priors "
                f"and weights {weights.tolist()}"
            )
        self.priors = nn.ModuleList(priors)
        self.register_buffer("log_weights", (weights / weights.sum()).log())
        self.log_weights: Tensor
        self.likelihood = likelihood or self.denoised

    def coded(self, code: Tensor) -> Prior:
        """The prior of images of the classes `code` (B,), row by row."""
        return _Coded(self.priors, code)

    def given(self, x0: Tensor, rng: Rng) -> Tensor:
        """`log p(c | x0)` of images, (B, K)."""
        return (self.log_weights + self.likelihood(x0, rng)).log_softmax(1)

    def denoised(self, x0: Tensor, rng: Rng) -> Tensor:
        """`log p(x0 | c)` (B, K), up to a number for each image, from how well it is denoised.

        `-int E||x0 - D_c(x0 + s n)||^2 / s^2 d log s`. The classes are compared under the same
        noise, and its negative; 2 LEVELS network calls a class.

        Reference: Kong et al., 2023, arXiv:2302.03792, eq. 9; Li et al., 2023, arXiv:2303.16203.
        """
        steps = torch.linspace(math.log(LOW), math.log(HIGH), LEVELS, dtype=torch.float64)
        found = []
        for step in steps:
            level, noise = Level(1.0, math.exp(step)), rng.normal(x0.shape)
            pair = [x0 + side * level.sigma * noise for side in (1, -1)]
            errors = [
                sum((x0 - prior.denoise(x, level)).square().flatten(1).sum(1) for x in pair) / 2  # pyright: ignore
                for prior in self.priors
            ]
            found.append(torch.stack(errors, 1).double() / level.sigma**2)  # pyright: ignore
        return -torch.trapezoid(torch.stack(found), steps.to(x0.device), dim=0).to(x0)


class _Coded(Prior):
    def __init__(self, priors: nn.ModuleList, code: Tensor) -> None:
        super().__init__()
        self.priors, self.code = priors, code

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        x0 = torch.empty_like(x)
        for k in self.code.unique().tolist():  # those that occur: it saves network calls
            rows = self.code == k
            x0[rows] = self.priors[k].denoise(x[rows], level)  # pyright: ignore
        return x0
