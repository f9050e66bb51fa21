"""The bundled prior's network: a local, purely convolutional U-Net out of diffusers' blocks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from diffusers.models.unets.unet_2d import UNet2DModel


class PixelNorm(nn.Module):
    """Each pixel's channels (B, C, H, W) shifted and scaled to mean 0 and variance 1.

    Unlike GroupNorm it looks at no other pixel, so that what the network computes stays local and
    does not depend on the size of the image. It has no parameters: the convolutions around it
    have them.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],)).permute(0, 3, 1, 2)


def local_unet(channels: Sequence[int] = (48, 96, 128, 128), layers: int = 2) -> "UNet2DModel":
    """diffusers' `UNet2DModel` without attention and with `PixelNorm` for every GroupNorm.

    Takes (B, 3, H, W) with sides that are multiples of ``2 ** (len(channels) - 1)``, and a noise
    level (B,) as its timestep.
    """
    from diffusers.models.unets.unet_2d import UNet2DModel

    net = UNet2DModel(
        in_channels=3,
        out_channels=3,
        block_out_channels=tuple(channels),
        layers_per_block=layers,
        down_block_types=("DownBlock2D",) * len(channels),
        up_block_types=("UpBlock2D",) * len(channels),
        norm_num_groups=1,
        add_attention=False,
    )
    _localise(net)
    return net


def _localise(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, PixelNorm())
        else:
            _localise(child)
