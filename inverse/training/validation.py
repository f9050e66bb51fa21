"""Denoising as a yardstick of a prior: PSNR at the noise levels of the denoising literature."""

import torch
from torch import Tensor

from inverse.denoise import Prior
from inverse.levels import Level
from inverse.training.data import ImageSource, as_tensor

SIGMAS = (15, 25, 50)


@torch.no_grad()
def denoising_psnr(
    prior: Prior, images: ImageSource, sigmas: tuple[int, ...] = SIGMAS, limit: int | None = None
) -> dict[str, float]:
    """Mean PSNR in dB at noise of standard deviation `sigma / 255` on [0, 1] images.

    Whole images in colour, no clipping or rounding of the noisy input, estimates clipped to the
    range; the noise of image i comes from seed i. Keys: `psnr15`, `psnr25`, ...
    """
    device = next((p.device for p in prior.parameters()), torch.device("cpu"))
    count = len(images) if limit is None else min(limit, len(images))
    scores = {sigma: 0.0 for sigma in sigmas}
    for index in range(count):
        x0 = as_tensor(images[index])[None]
        noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(index))
        for sigma in sigmas:
            level = Level(1.0, 2 * sigma / 255)
            noisy = (x0 + level.sigma * noise).to(device)
            scores[sigma] += _psnr(prior.denoise(noisy, level).cpu(), x0)
    return {f"psnr{sigma}": total / count for sigma, total in scores.items()}


def _psnr(x: Tensor, x0: Tensor) -> float:
    error = (x.clamp(-1, 1) - x0).square().mean() / 4
    return float(-10 * error.log10())
