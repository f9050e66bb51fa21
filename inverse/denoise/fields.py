"""Uneven noise: a level for every coordinate of an image, and priors that can be told it."""

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from inverse.denoise.denoisers import Estimate, Prior
from inverse.denoise.needs import POINTWISE, SPECTRAL, Unfit
from inverse.levels import Level
from operators import Problem, Rng, SpectralOperator


class Field(NamedTuple):
    """The noise of every coordinate of an image: `z_i = x0_i + nsr_i n_i`, n_i ~ N(0, 1).

    Attributes:
        nsr: from 0, where the image is known, to inf, where z says nothing (and is finite); it
            broadcasts against the coordinates.
        basis: whose right singular vectors the coordinates belong to, `basis.vt(image)`: the half
            plane of the real Fourier transform for a blur. None: the pixels.
        rest: the nsr of what a thin basis leaves out, without axes.
    """

    nsr: Tensor
    basis: SpectralOperator | None = None
    rest: Tensor | None = None

    def apply(self, gain: Callable[..., Tensor], x: Tensor, *others: "Field") -> Tensor:
        """`V diag(gain(nsr, ...)) V^T x` of images x (B, C, H, W); `others` in the same basis."""
        weight = gain(self.nsr, *(other.nsr for other in others))
        if self.basis is None:
            return weight * x
        z = self.basis.vt(x)
        if self.basis.v_complete:
            return self.basis.v(weight * z)
        rest = gain(self.rest, *(other.rest for other in others))
        return rest * x + self.basis.v((weight - rest) * z)

    def pixels(self, like: Tensor) -> Tensor:
        """The nsr of every pixel, of the shape of images `like` (B, C, H, W).

        Raises:
            Unfit: where the coordinates are no single values of the image.
        """
        if self.basis is not None and not self.basis.pointwise:
            raise Unfit(
                f"the prior is told the noise of every pixel, not that along the singular vectors "
                f"of {self.basis!r}; {POINTWISE.fix}"
            )
        share = self.apply(_share, torch.ones_like(like))
        return share / (1 - share)

    def estimate(self, z: Tensor, x0: Tensor) -> Estimate:
        """An estimate x0 of the image behind z, and the noise that it leaves, `(z - x0) / nsr`."""
        return Estimate(x0, self.apply(_precision, z - x0))

    def rows(self) -> list["Field"]:
        """The fields of the samples, one by one; only one if it is the same for all."""
        if len(self.nsr) == 1:
            return [self]
        spans = [slice(i, i + 1) for i in range(len(self.nsr))]
        chosen = [self.basis and self.basis.select(span) for span in spans]
        return [
            Field(self.nsr[span], basis, self.rest)
            for span, basis in zip(spans, chosen, strict=True)
        ]


def _share(nsr: Tensor) -> Tensor:
    """`nsr / (1 + nsr)`, 1 at infinity."""
    return torch.where(nsr.isinf(), 1.0, nsr / (1 + nsr))


class FieldPrior(Prior):
    """A prior that can be told the noise of every coordinate: `restore(z, field) = E[x0 | z]`.

    `denoise(x, level)` is the field that is the same everywhere, so it is a prior like any other.
    As a denoiser it takes a `Field` in place of a level.
    """

    coordinates = SPECTRAL

    @abstractmethod
    def restore(self, z: Tensor, field: Field) -> Tensor:
        """The posterior mean `E[x0 | z]`, (B, C, H, W), of `z = x0 + nsr n` in each coordinate."""

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        return self.restore(x / level.alpha, Field(x.new_full((1,) * x.ndim, level.nsr)))

    def forward(self, x: Tensor, level: Level | Field, problem: Problem, rng: Rng) -> Estimate:
        if isinstance(level, Level):
            return super().forward(x, level, problem, rng)
        return level.estimate(x, self.restore(x, level))

    def __call__(self, x: Tensor, level: Level | Field, problem: Problem, rng: Rng) -> Estimate:
        return super().__call__(x, level, problem, rng)  # pyright: ignore[reportArgumentType]


def _precision(nsr: Tensor) -> Tensor:
    """`1 / nsr`, and 0 where that is infinite: no noise is seen in what is known."""
    return torch.where(nsr > 0, 1 / nsr, 0.0)
