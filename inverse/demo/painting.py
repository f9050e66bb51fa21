"""What is painted on a canvas in the browser: a mask, or colours laid over an estimate.

A canvas is a list of layers, PIL pictures (RGBA) of one size, transparent where nothing is painted.
"""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inverse.images import from_unit


def flatten(layers: Sequence[Image.Image]) -> Image.Image | None:
    """The layers laid over each other, or None where none of them has any paint."""
    painted = [layer.convert("RGBA") for layer in layers]
    painted = [layer for layer in painted if layer.getchannel("A").getbbox() is not None]
    if not painted:
        return None
    top = painted[0]
    for layer in painted[1:]:
        top = Image.alpha_composite(top, layer)
    return top


def mask_of(paint: Image.Image, size: int) -> Image.Image:
    """A mask of size x size pixels, white = kept: a pixel is lost where any of it is painted.

    However thin or translucent: what was to go would else be measured as if it were the picture.
    """
    painted = paint.getchannel("A").point([0] + [255] * 255).convert("F")
    cover = np.asarray(painted.resize((size, size), Image.Resampling.BOX))
    return Image.fromarray(np.where(cover > 0, 0, 255).astype(np.uint8))


def paint_over(x0: Tensor, paint: Image.Image) -> Tensor:
    """Estimates (B, 3, H, W) in [-1, 1] with the colours laid over them; new where painted alone.

    Raises:
        ValueError: for estimates that have no three channels.
    """
    if x0.shape[1] != 3:
        raise ValueError(f"paint_over: need colour images (B, 3, H, W), got {tuple(x0.shape)}")
    small = paint.resize((x0.shape[3], x0.shape[2]), Image.Resampling.BOX)
    pixels = torch.from_numpy(np.asarray(small, dtype=np.float32) / 255).permute(2, 0, 1).to(x0)
    return torch.lerp(x0, from_unit(pixels[:3]), pixels[3:])
