"""Photon counting: the noise of little light, with or without the noise of reading it out."""

import copy
from typing import Self

import torch
from torch import Tensor

from operators.core.parameters import Values, parameter
from operators.core.random import Rng
from operators.problem.noise.law import Noise
from operators.solve import column

DARK = 1 / 1024  # brightness on [0, 1] below which the likelihood continues along its tangent


class Poisson(Noise):
    """Counts photons, and adds a sensor's read noise.

    `y = d + s N / peak + read n`, `N ~ Poisson(peak u)`, `u = (A x - d) / s`, `n ~ N(0, 1)`; y is
    not clipped. d = -1 is no light, for phase retrieval 0 (the operator's `dark`), and s = 1 - d.
    `std` is `sqrt(s^2 max(u, 1/peak) / peak + read^2)` per value and may be taken at y itself;
    `sigma` is that at mid-grey, u = 1/2.

    There is no less than no light: u is taken as 0 from -0.05 (A x = -1.1) on, and refused below.
    Interpolation with negative lobes goes there beside bright edges (bicubic `resample` and
    `downsample_bicubic` to A x = -1.6, without antialiasing to -1.9, and kernels with negative
    values); with `clip` any u below 0 is taken as 0, so that y is not quite of A x there.
    Transforms and projections (walsh_hadamard, dct, block_sensing, fourier, radon) measure no
    brightness at all.

    Args:
        peak: photons at white (u = 1), > 0, a float or one per sample, (B,).
        read: standard deviation of the read noise in the units of y, 0 or more, likewise.

    Raises:
        ValueError: for bad parameters, and for sampling where there is less than no light.

    Reference: Snyder et al., 1995, doi:10.1364/JOSAA.12.000272, for the likelihood.
    """

    clip = False
    dark = -1.0

    def __init__(self, peak: Values, read: Values = 0.0, clip: bool = False) -> None:
        self.peak = parameter("Poisson", "peak", peak, low_allowed=False)
        self.read = parameter("Poisson", "read", read)
        if clip:
            self.clip = True

    @property
    def sigma(self) -> float | Tensor:
        return (self.scale**2 / (2 * self.peak) + self.read**2) ** 0.5

    @property
    def scale(self) -> float:
        """s, from no light to white."""
        return 1 - self.dark

    def seen(self, dark: float) -> Self:
        if dark == self.dark:
            return self
        other = copy.copy(self)
        other.dark = dark
        return other

    def light(self, y: Tensor) -> Tensor:
        """u, the brightness of y: 0 without light, 1 at white."""
        return (y - self.dark) / self.scale

    def std(self, clean: Tensor) -> Tensor:
        self.check(clean)
        peak, read = column(self.peak, clean), column(self.read, clean)
        photons = (self.light(clean) * peak).clamp_min(1)
        return (self.scale**2 * photons / peak**2 + read**2).sqrt()

    def sample(self, clean: Tensor, rng: Rng) -> Tensor:
        """A noisy copy of `clean` (B, ...), sample b drawn from stream b of `rng`.

        Raises:
            ValueError: where u falls below -0.05, unless it is to be clipped.
        """
        self.check(clean)
        if not self.clip and clean.numel() and float(self.light(clean.min())) < -0.05:
            raise ValueError(
                f"Poisson: the clean measurement falls to {float(clean.min()):.3g}, below "
                f"{self.dark:g} = no light; where a resampler's or a kernel's negative weights do "
                "that, clip=true takes it as none; this noise is not for what is no brightness"
            )
        peak, read = column(self.peak, clean), column(self.read, clean)
        photons = rng.poisson(self.light(clean).clamp_min(0) * peak)
        y = photons * (self.scale / peak) + self.dark
        if isinstance(self.read, float) and self.read == 0:
            return y
        return y + read * rng.normal(clean.shape, clean.dtype)

    def nll(self, clean: Tensor, y: Tensor) -> Tensor:
        """The negative log-likelihood per sample, (B,), up to a constant: the sum of `r - k log r`.

        `r = peak u + c` and `k = max(peak (y - d) / s + c, 0)` with
        `c = (read peak / s)^2` photons: a Poisson variable shifted so has the mean and variance of
        y. That is exact for read = 0; its score has mean 0 at the truth for any read. Where u <
        1/1024, solvers' estimates below black included, -log continues along its tangent, so that
        the gradient is finite and points back.
        """
        self.check(clean)
        peak = column(self.peak, clean)
        shift = (column(self.read, clean) * peak / self.scale) ** 2
        rate = self.light(clean) * peak + shift
        count = (self.light(y) * peak + shift).clamp_min(0)
        least = peak * DARK + shift
        safe = torch.maximum(rate, torch.as_tensor(least).to(rate))
        log = safe.log() + (rate - safe) / safe
        return (rate - count * log).flatten(1).sum(1)


def poisson(peak: Values, clip: bool = False) -> Poisson:
    """Photon counting, `peak` photons at white; with `clip` less than no light is taken as none."""
    return Poisson(peak, clip=clip)


def poisson_gaussian(peak: Values, read: Values, clip: bool = False) -> Poisson:
    """Photon counting as `poisson`, and Gaussian read noise in the units of y."""
    return Poisson(peak, read, clip)
