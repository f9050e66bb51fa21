"""A U-Net that works at half resolution from the start, told the noise of every value."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inverse.priors.winograd import Conv3x3

FREQUENCIES, EMBEDDED = 32, 128
PLAIN = 36  # channels of folded cells: the image, its noise, its sketch
CENTRE, SPREAD = -1.5, 2.0  # of log nsr, so that what the network is told is of order one


class PixelNorm(nn.Module):
    """Each pixel's channels (B, C, H, W) shifted and scaled to mean 0 and variance 1.

    Unlike GroupNorm it looks at no other pixel, so that what the network computes stays local and
    does not depend on the size of the image. It has no parameters: the convolutions around it
    have them.
    """

    def forward(self, x: Tensor) -> Tensor:
        x = x - x.mean(1, keepdim=True)
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-5)


class Residual(nn.Module):
    """A residual block that is told the noise.

    `x + conv(silu(conv(norm(x)) + W t))` of features x (B, C, h, w) and embedded noise t.

    The second convolution is zero at first.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = PixelNorm()
        self.first = Conv3x3(channels, channels)
        self.modulate = nn.Conv2d(EMBEDDED, channels, 1)
        self.second = Conv3x3(channels, channels)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(self.norm(x)) + self.modulate(t)))


class Embedding(nn.Module):
    """Features (B, EMBEDDED, h, w) of log nsr (B, 1, h, w): sines and cosines, then two layers."""

    frequencies: Tensor

    def __init__(self) -> None:
        super().__init__()
        steps = torch.linspace(math.log(0.25), math.log(8.0), FREQUENCIES)
        self.register_buffer("frequencies", steps.exp().view(1, -1, 1, 1), persistent=False)
        self.first = nn.Conv2d(2 * FREQUENCIES, EMBEDDED, 1)
        self.second = nn.Conv2d(EMBEDDED, EMBEDDED, 1)

    def forward(self, log_nsr: Tensor) -> Tensor:
        phase = log_nsr * self.frequencies
        waves = torch.cat([phase.sin(), phase.cos()], 1)
        return F.silu(self.second(F.silu(self.first(waves))))


class StemUNet(nn.Module):
    """A convolutional U-Net behind a stem that folds 2 x 2 pixels into channels.

    Convolutions at full resolution are what costs, so there are none. On each level of half the
    resolution of the one before: `layers` residual blocks on the way down and up (at the last
    one once), joined by addition. Beside the image comes log nsr of every value, and in every block
    features of its mean over colours and cells; and a sketch of the image. Takes (B, 3, H, W) with
    sides that are multiples of `2 ** len(channels)`. What else it is told comes in `extra`
    channels, whose weights are zero at first.

    References: Zhang et al., 2018, arXiv:1710.04026 (FFDNet: folded pixels and a noise map); Zhang
    et al., 2021, arXiv:2008.13751 (DRUNet: residual blocks, additive skips).
    """

    def __init__(self, channels: Sequence[int], layers: int, extra: int = 0) -> None:
        super().__init__()
        first, last = channels[0], channels[-1]
        pairs = list(zip(channels, channels[1:], strict=False))
        self.embedding = Embedding()
        self.into = Conv3x3(PLAIN + 4 * extra, first)
        nn.init.zeros_(self.into.weight[:, PLAIN:])
        self.down = nn.ModuleList([_blocks(c, layers) for c in channels[:-1]])
        self.shrink = nn.ModuleList([nn.Conv2d(a, b, 2, stride=2) for a, b in pairs])
        self.middle = _blocks(last, layers)
        self.grow = nn.ModuleList([nn.Conv2d(b, 4 * a, 1) for a, b in reversed(pairs)])
        self.up = nn.ModuleList([_blocks(c, layers) for c in reversed(channels[:-1])])
        self.out = Conv3x3(first, 24)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, z: Tensor, log_nsr: Tensor, beside: Tensor) -> Tensor:
        """The output (B, 3, H, W) at z, told log nsr, which broadcasts against z with 4 axes.

        `beside` (B, 6 + extra, H, W): a sketch of the image, the share in [0, 1] to which a value
        of z is heard, and the extra channels. What is not heard has an output of its own.
        """
        readings = (log_nsr - CENTRE) / SPREAD
        drawn, heard, *more = beside.split(3, 1)
        cells = F.pixel_unshuffle(torch.cat([z, readings.expand_as(z), drawn, *more], 1), 2)
        if not self.into.pays(cells):
            cells = cells.contiguous(memory_format=torch.channels_last)
        x = self.into(cells)
        levels = self._embedded(readings.mean(1, keepdim=True))
        skips = []
        for blocks, shrink, t in zip(self.down, self.shrink, levels, strict=False):
            x = _run(blocks, x, t)
            skips.append(x)
            x = shrink(x)
        x = _run(self.middle, x, levels[-1])
        for grow, blocks, t in zip(self.grow, self.up, reversed(levels[:-1]), strict=True):
            x = skips.pop() + F.pixel_shuffle(grow(x), 2)
            x = _run(blocks, x, t)
        told, filled = F.pixel_shuffle(self.out(x).contiguous(), 2).chunk(2, 1)
        return filled.lerp(told, heard.to(told.dtype))

    def _embedded(self, readings: Tensor) -> list[Tensor]:
        """Features of the noise (B, 1, h, w) at the resolution of each level."""
        count = len(self.down) + 1
        if readings.shape[-2:] == (1, 1):
            return [self.embedding(readings)] * count
        return [self.embedding(F.avg_pool2d(readings, 2 ** (k + 1))) for k in range(count)]


def _blocks(channels: int, layers: int) -> nn.ModuleList:
    return nn.ModuleList([Residual(channels) for _ in range(layers)])


def _run(blocks: nn.Module, x: Tensor, t: Tensor) -> Tensor:
    for block in blocks.children():
        x = block(x, t)
    return x
