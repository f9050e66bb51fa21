"""A stationary Gaussian prior: diagonal in Fourier, so that all that is asked of it is known."""

import torch
from torch import Tensor

from inverse.denoise import ErrorSpectrum, Prior, restored, transformed
from inverse.denoise.spectra import radius
from inverse.levels import Level
from operators import Rng

NSRS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)


class Stationary(Prior):
    """`x0 ~ N(0, S)` with power `S(f) = scale / (f^2 + floor^2)^(slope / 2)` in every mixture."""

    def __init__(
        self, scale: float = 0.002, slope: float = 2.0, floor: float = 0.05, channels: int = 1
    ) -> None:
        super().__init__()
        self.scale, self.slope, self.floor, self.channels = scale, slope, floor, channels
        self.errors = self.table()

    def power(self, shape: tuple[int, ...]) -> Tensor:
        f = radius(shape)
        return (self.scale / (f.square() + self.floor**2) ** (self.slope / 2)).expand(
            self.channels, -1, -1
        )

    def sample(self, shape: tuple[int, ...], rng: Rng) -> Tensor:
        white = rng.normal((len(rng), *shape), torch.float64)
        return restored(transformed(white) * self.power(shape).sqrt(), shape)

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        shape = tuple(x.shape[1:])
        power = self.power(shape).to(x)
        gain = level.alpha * power / (level.alpha**2 * power + level.sigma**2)
        return restored(transformed(x) * gain, shape)

    def variance(self, level: Level, shape: tuple[int, ...]) -> Tensor:
        """r^2 of its own estimate, exactly: `S nsr^2 / (S + nsr^2)`."""
        power = self.power(shape)
        return power / (1 + power / level.nsr**2)

    def table(self, nsrs: tuple[float, ...] = NSRS, side: int = 64) -> ErrorSpectrum:
        """The table of these, radially."""
        f = torch.linspace(0.5 / side, 0.72, 200, dtype=torch.float64)
        power = self.scale / (f.square() + self.floor**2) ** (self.slope / 2)
        rows = [(power / (1 + power / nsr**2)).expand(self.channels, -1) for nsr in nsrs]
        return ErrorSpectrum(nsrs, f.tolist(), torch.stack(rows))
