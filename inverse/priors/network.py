"""The networks we train: `StemUNet`; of diffusers' blocks, a local U-Net and one with attention."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import nn

from inverse.priors.stem import PixelNorm, StemUNet

if TYPE_CHECKING:
    from diffusers.models.unets.unet_2d import UNet2DModel

KINDS = ("stem", "local", "attention")


def local_unet(
    channels: Sequence[int] = (48, 96, 128, 128), layers: int = 2, classes: int = 0
) -> "UNet2DModel":
    """diffusers' `UNet2DModel` without attention and with `PixelNorm` for every GroupNorm.

    Takes (B, 3, H, W) with sides that are multiples of `2 ** (len(channels) - 1)`, and a noise
    level (B,) as its timestep; with `classes` also their numbers (B,), the last + 1 for none.
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
        num_class_embeds=classes + 1 if classes else None,
    )
    _localise(net)
    return net


def attention_unet(
    size: int, channels: Sequence[int], layers: int = 2, classes: int = 0
) -> "UNet2DModel":
    """diffusers' `UNet2DModel` with attention at its two coarsest levels: sees the whole picture.

    For pictures of one size (B, 3, size, size), as objects are. Channels must be multiples of 16.
    """
    from diffusers.models.unets.unet_2d import UNet2DModel

    plain = max(len(channels) - 2, 0)
    return UNet2DModel(
        sample_size=size,
        in_channels=3,
        out_channels=3,
        block_out_channels=tuple(channels),
        layers_per_block=layers,
        down_block_types=("DownBlock2D",) * plain + ("AttnDownBlock2D",) * (len(channels) - plain),
        up_block_types=("AttnUpBlock2D",) * (len(channels) - plain) + ("UpBlock2D",) * plain,
        norm_num_groups=16,
        attn_norm_num_groups=16,
        attention_head_dim=16,
        resnet_time_scale_shift="scale_shift",
        num_class_embeds=classes + 1 if classes else None,
    )


def unet(
    kind: str,
    channels: Sequence[int],
    layers: int,
    size: int | None = None,
    classes: int = 0,
    extra: int = 0,
) -> nn.Module:
    """The network of a prior of `inverse train`.

    Args:
        kind: "stem" or "local", which take any size, or "attention", made for one.
        channels, layers: at each level, and residual blocks there. size: of pictures, in pixels,
            for attention alone. classes: how many it can be asked for; 0: none. extra: channels
            beside the picture, of what it is told of a measurement; 0: none.

    Raises:
        ValueError: for another kind, classes of a stem, extra channels of another, or a size where
            there must be none or none where one must be.
    """
    if kind not in KINDS:
        raise ValueError(f"network kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if (size is None) == (kind == "attention"):
        raise ValueError(f"network size: the side of its pictures with attention alone, got {size}")
    if kind == "stem" and classes:
        raise ValueError("network kind stem knows no classes; take attention")
    if kind != "stem" and extra:
        raise ValueError(f"network kind {kind} cannot be informed of measurements; take stem")
    if kind == "stem":
        return StemUNet(channels, layers, extra)
    if size is None:
        return local_unet(channels, layers, classes)
    return attention_unet(size, channels, layers, classes)


def _localise(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, PixelNorm())
        else:
            _localise(child)
