"""k-space: which of it is measured, in what layout it is kept, and what receive coils see.

k-space is (B, planes, H, W, 2), real and imaginary part last (`torch.view_as_real`), in the order
of `torch.fft.fft2`, frequency zero at [0, 0], and so are masks. Scanners and fastMRI keep frequency
zero in the middle: apply `torch.fft.ifftshift` over both axes first. Complex pictures are pairs
of channels: 2p holds the real and 2p + 1 the imaginary part of plane p.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.operator import as_shape
from operators.masks.shapes import binary


def lines(
    image_shape: Sequence[int],
    acceleration: float = 4.0,
    centre: float = 0.08,
    pattern: str = "random",
    seed: int = 0,
) -> Tensor:
    """Cartesian sampling of whole columns: a mask (H, W), True where k-space is measured.

    The round(centre * W) columns of lowest frequency, at least one, are always there. "random"
    draws others until there are round(W / acceleration); "equispaced" adds every acceleration-th (a
    whole number) column counted from frequency zero, so that a few more are kept. (Fourfold with a
    centre of 8 % is the fastMRI challenge's, Zbontar et al., 2018, arXiv:1811.08839.)

    Raises:
        ValueError: for another pattern, or where the centre alone is more than is to be kept.
    """
    _, height, width = as_shape("k-space mask", "image_shape", image_shape, rank=3)
    if not 0 <= centre <= 1 or not 1 <= acceleration < math.inf:
        raise ValueError(
            f"k-space mask: acceleration must be 1 or more and centre a fraction in [0, 1], got "
            f"{acceleration} and {centre}"
        )
    middle, total = max(1, round(centre * width)), max(1, round(width / acceleration))
    kept = torch.zeros(width, dtype=torch.bool)
    kept[(width - middle + 1) // 2 :][:middle] = True
    if pattern == "equispaced" and acceleration == int(acceleration):
        kept[width // 2 % int(acceleration) :: int(acceleration)] = True
    elif pattern == "random" and middle <= total:
        order = torch.randperm(width, generator=torch.Generator().manual_seed(seed))
        kept[order[~kept[order]][: total - middle]] = True
    else:
        raise ValueError(
            f"k-space mask: pattern {pattern!r} with acceleration {acceleration} and centre "
            f"{centre}: pattern must be random, with at most round({width} / acceleration) middle "
            "columns, or equispaced, with a whole acceleration"
        )
    return torch.fft.ifftshift(kept).expand(height, width).clone()


def as_mask(name: str, mask: Tensor, sides: Sequence[int]) -> Tensor:
    """(H, W), (1, H, W) or (B, 1, H, W), binary, as (1 or B, 1, H, W) in float64."""
    mask = binary(name, mask)
    full = mask.reshape(*[1] * (4 - mask.ndim), *mask.shape) if mask.ndim in (2, 3) else mask
    if full.ndim != 4 or full.shape[1] != 1 or full.shape[2:] != torch.Size(sides):
        raise ValueError(
            f"{name}: mask must be (H, W), (1, H, W) or (B, 1, H, W) for k-space {tuple(sides)}, "
            f"got {tuple(mask.shape)}"
        )
    if not bool(full.flatten(1).any(1).all()):
        raise ValueError(f"{name}: the mask keeps no frequency; nothing would be measured")
    return full


def origin(sides: Sequence[int]) -> Tensor:
    """Phases q, (H, W) complex128, with q * fft2(x) = fft2(ifftshift(x)): +-1 for even sides.

    They put the origin in the middle of the image without a shuffle of memory.
    """
    turns = []
    for n in sides:
        k = torch.arange(n) * (n // 2) % n  # reduced as an integer
        turns.append(torch.polar(torch.ones(n, dtype=torch.float64), 2 * math.pi / n * k.double()))
    return turns[0][:, None] * turns[1]


def mirror(z: Tensor) -> Tensor:
    """A spectrum at the opposite frequencies -k: (..., H, W) -> (..., H, W)."""
    return z.flip((-2, -1)).roll((1, 1), (-2, -1))


def to_complex(x: Tensor) -> Tensor:
    """(B, 2P, H, W) -> (B, P, H, W) complex; always a copy."""
    pairs = x.unflatten(1, (-1, 2))
    return torch.complex(pairs[:, :, 0], pairs[:, :, 1])


def planes(y: Tensor) -> Tensor:
    """(B, P, H, W, 2) -> (B, P, H, W) complex, a view where it can be one."""
    return torch.view_as_complex(y.contiguous())


def to_channels(z: Tensor) -> Tensor:
    """(B, P, H, W) complex -> (B, 2P, H, W)."""
    return torch.view_as_real(z).movedim(-1, 2).flatten(1, 2).contiguous()


def birdcage(image_shape: Sequence[int], coils: int = 8, radius: float = 1.5) -> Tensor:
    """Smooth receive sensitivities, (coils, H, W) complex128, with sum_c |S_c|^2 = 1 everywhere.

    The coils stand evenly on a circle of `radius` half images about the middle; a coil at d from
    a pixel has the strength 1/|d| and the phase of d.

    Raises:
        ValueError: unless radius > sqrt(2) (the image's corners).

    Reference: the birdcage geometry of Roemer et al., 1990, doi:10.1002/mrm.1910160203.
    """
    _, height, width = as_shape("birdcage", "image_shape", image_shape, rank=3)
    (coils,) = as_shape("birdcage", "coils", [coils])
    if not 2**0.5 < radius < math.inf:
        raise ValueError(f"birdcage: radius must be above √2 half images, got {radius}")
    y, x = (2 * (torch.arange(n, dtype=torch.float64) + 0.5) / n - 1 for n in (height, width))
    angle = 2 * math.pi / coils * torch.arange(coils, dtype=torch.float64)
    away = torch.complex(x, torch.zeros_like(x)) + 1j * y[:, None]
    away = away - torch.polar(torch.full_like(angle, radius), angle).view(-1, 1, 1)
    maps = 1 / away.conj()
    return maps / maps.abs().square().sum(0).sqrt()
