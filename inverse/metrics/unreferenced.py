"""What a picture shows by itself, without the truth."""

import torch
from torch import Tensor

from inverse.images import to_unit

LUMA = (0.299, 0.587, 0.114)  # of ITU-R BT.601
BLUR_SIDE = 11


def blurriness(x: Tensor) -> Tensor:
    """How blurred images look, (B,), from 0 (sharp) to 1: how little a blur of 11 pixels changes.

    scikit-image's `blur_effect` of the luminance. x: (B, 1 or 3, H, W) in [-1, 1], clamped.
    Compare with that of the truth: noise and artefacts count as sharp.

    Raises:
        ValueError: for another shape, or a side below 11.

    Reference: Crete et al., 2007, doi:10.1117/12.702790.
    """
    if x.ndim != 4 or x.shape[1] not in (1, 3) or min(x.shape[-2:]) < BLUR_SIDE:
        raise ValueError(
            f"blurriness: images must be (B, 1 or 3, H, W) with sides of at least {BLUR_SIDE}, "
            f"got {tuple(x.shape)}"
        )
    from skimage.measure import blur_effect

    weights = torch.tensor(LUMA if x.shape[1] == 3 else (1.0,)).view(-1, 1, 1)
    grey = (to_unit(x.detach().cpu().double()) * weights).sum(1)
    return torch.tensor([blur_effect(image.numpy(), h_size=BLUR_SIDE) for image in grey])
