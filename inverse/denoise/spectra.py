"""Spectra of images: their Fourier transform, across channels too."""

import torch
from torch import Tensor

from operators.core import fft


def radius(shape: tuple[int, ...]) -> Tensor:
    """The frequency, in cycles per pixel, of each place of `transformed`: (H, W // 2 + 1)."""
    down = torch.fft.fftfreq(shape[-2], dtype=torch.float64)[:, None]
    across = torch.fft.rfftfreq(shape[-1], dtype=torch.float64)
    return torch.hypot(down, across)


def mixtures(channels: int) -> Tensor:
    """The orthonormal cosine transform across channels, (C, C), a mixture a row, float64.

    Of RGB they are the brightness, red less blue, and green less both, which in photographs are
    all but uncorrelated.
    """
    places = torch.arange(channels, dtype=torch.float64)
    waves = torch.cos(torch.pi / channels * places[:, None] * (places + 0.5))
    return waves / waves.norm(dim=1, keepdim=True)


def transformed(x: Tensor) -> Tensor:
    """The half plane of the orthonormal DFT of each of the `mixtures` of channels.

    (B, C, H, W) -> (B, C, H, W // 2 + 1).
    """
    return fft.rfft2(torch.einsum("ij,bjhw->bihw", mixtures(x.shape[1]).to(x), x), norm="ortho")


def restored(z: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The images (B, C, H, W), of `shape` (C, H, W), of what `transformed` made of them."""
    x = fft.irfft2(z, shape[-2:], norm="ortho")
    return torch.einsum("ij,bihw->bjhw", mixtures(shape[0]).to(x), x)
