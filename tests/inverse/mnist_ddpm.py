"""The network of a DDPM of digits that is trained elsewhere, as a user would write it down."""

import torch
from torch import Tensor, nn


class Block(nn.Module):
    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        norm = nn.LayerNorm((out, 28, 28))
        self.net = nn.Sequential(nn.Conv2d(into, out, 7, padding=3), norm, nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Digits(nn.Module):
    """The noise in z (B, 1, 28, 28), images in [-0.5, 0.5], told t / T."""

    frequencies: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.zeros(16))
        blocks = [Block(1, 16), Block(16, 32), Block(32, 32), Block(32, 16)]
        self.blocks = nn.ModuleList([*blocks, nn.Conv2d(16, 1, 3, padding=1)])
        layers = [nn.Linear(32, 128), nn.GELU(), nn.Linear(128, 128), nn.GELU()]
        layers += [nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 16)]
        self.time_embed = nn.Sequential(*layers)

    def forward(self, z: Tensor, t: Tensor) -> Tensor:
        phase = t[:, None] * self.frequencies
        told = self.time_embed(torch.cat([phase.sin(), phase.cos() - 1], 1))
        first, *others = self.blocks
        x = first(z) + told[:, :, None, None]
        for block in others:
            x = block(x)
        return x
