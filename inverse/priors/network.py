"""The bundled prior's network: a local, purely convolutional U-Net out of diffusers' blocks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from diffusers import UNet2DModel


class PixelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel, with a gain and a bias per channel.

    Unlike GroupNorm it looks at no other pixel, so that what the network computes stays local and
    does not depend on the size of the image.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        last, gain, bias = x.permute(0, 2, 3, 1), self.weight.to(x.dtype), self.bias.to(x.dtype)
        return F.layer_norm(last, (x.shape[1],), gain, bias, 1e-5).permute(0, 3, 1, 2)


def local_unet(
    channels: Sequence[int] = (96, 128, 128), layers: int = 2, unshuffle: int = 2
) -> "UNet2DModel":
    """diffusers' `UNet2DModel` on space-to-depth pixels, no attention, one norm per block.

    Takes (B, 3 u^2, H / u, W / u) for ``u = unshuffle``. The second norm of each block (the
    one after the noise level is added) becomes a `PixelNorm`, the others go; each block starts as the
    identity (zero second convolution), so that the network trains without them.
    """
    from diffusers import UNet2DModel

    net = UNet2DModel(
        in_channels=3 * unshuffle**2,
        out_channels=3 * unshuffle**2,
        block_out_channels=tuple(channels),
        layers_per_block=layers,
        down_block_types=("DownBlock2D",) * len(channels),
        up_block_types=("UpBlock2D",) * len(channels),
        norm_num_groups=16,
        add_attention=False,
    )
    _localise(net)
    for name, module in net.named_modules():
        if name.endswith(("conv2", "conv_out")) and isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias) if module.bias is not None else None
    return net


def _localise(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm):
            keep = name == "norm2"
            setattr(module, name, PixelNorm(child.num_channels) if keep else nn.Identity())
        else:
            _localise(child)
