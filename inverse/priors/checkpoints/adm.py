"""What the tensors of a guided-diffusion (ADM) network say of its architecture."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

State = Mapping[str, Tensor]


class Layout(NamedTuple):
    """An ADM U-Net as read off its state dict.

    Attributes:
        channels: of each level. layers: residual blocks per level. attention: levels that have it.
        updown: residual blocks resample (else convolutions). scale_shift: the noise level scales.
        image, out: channels in and out. classes: how many, or None.
    """

    channels: tuple[int, ...]
    layers: int
    attention: tuple[bool, ...]
    updown: bool
    scale_shift: bool
    image: int
    out: int
    classes: int | None


def read_layout(state: State) -> Layout:
    """The architecture behind an ADM state dict.

    Reference: Dhariwal and Nichol, 2021, arXiv:2105.05233, Appendix A (github.com/openai/
    guided-diffusion, and improved-diffusion before it, whose names of tensors these are).

    Raises:
        ValueError: for a state dict of another network, or one that diffusers cannot express.
    """
    _check_kind(state)
    count = len(_indices(state, "output_blocks"))
    layers = next((i for i in range(count) if _upsamples(state, i)), count - 1)
    levels, rest = divmod(count, layers + 1)
    missing = set(range(count)) - _indices(state, "input_blocks")
    if rest or missing:
        raise ValueError(
            f"ADM: input blocks {sorted(missing)} have no weights: the network resamples without "
            "convolutions (conv_resample=False), which diffusers' UNet2DModel cannot express"
        )
    first = [f"input_blocks.{1 + level * (layers + 1)}" for level in range(levels)]
    channels = tuple(len(state[f"{block}.0.out_layers.3.weight"]) for block in first)
    classes = state.get("label_emb.weight")
    return Layout(
        channels=channels,
        layers=layers,
        attention=tuple(f"{block}.1.qkv.weight" in state for block in first),
        updown=f"input_blocks.{1 + layers}.0.op.weight" not in state,
        scale_shift=len(state[f"{first[0]}.0.emb_layers.1.weight"]) == 2 * channels[0],
        image=state["input_blocks.0.0.weight"].shape[1],
        out=len(state["out.2.weight"]),
        classes=None if classes is None else len(classes),
    )


def _check_kind(state: State) -> None:
    needed = {"time_embed.0.weight", "input_blocks.0.0.weight", "middle_block.1.qkv.weight"}
    if needed - set(state):
        names = ", ".join(sorted(state)[:3])
        raise ValueError(f"ADM: not a guided-diffusion network; its tensors are {names}, ...")
    if "out.2.weight" not in state or not _indices(state, "output_blocks"):
        raise ValueError("ADM: this is a classifier (it has no output blocks), not a denoiser")
    width, sinusoid = len(state["input_blocks.0.0.weight"]), state["time_embed.0.weight"].shape[1]
    if width != sinusoid:
        raise ValueError(
            f"ADM: the first level has {width} channels but time is embedded in {sinusoid} "
            "(channel_mult[0] is not 1, as in ImageNet 512); UNet2DModel ties the two"
        )
    image, out = state["input_blocks.0.0.weight"].shape[1], len(state["out.2.weight"])
    if out not in (image, 2 * image):
        raise ValueError(
            f"ADM: {image} channels in and {out} out: not a prior (a super-resolution network?); "
            "it must give as many, or twice with a learned variance"
        )


def _indices(state: State, part: str) -> set[int]:
    return {int(name.split(".")[1]) for name in state if name.startswith(f"{part}.")}


def _upsamples(state: State, i: int) -> bool:
    last = (f"output_blocks.{i}.{k}.{name}.weight" for k in (1, 2) for name in UPSAMPLERS)
    return any(name in state for name in last)


UPSAMPLERS = ("in_layers.0", "conv")


def head_size(layout: Layout, head_channels: int | None, heads: int | None) -> int:
    """Channels per attention head, which no tensor tells.

    Raises:
        ValueError: unless exactly one is given, it fits, and all attentions share that size.
    """
    pairs = zip(layout.channels, layout.attention, strict=True)
    widths = sorted({layout.channels[-1]} | {width for width, has in pairs if has})
    if (head_channels is None) == (heads is None):
        raise ValueError("ADM: give head_channels (num_head_channels) or heads (num_heads)")
    if heads is not None and len(widths) > 1:
        raise ValueError(
            f"ADM: {heads} heads at attentions of {', '.join(map(str, widths))} channels: "
            "UNet2DModel has one number of channels per head for all, not one number of heads"
        )
    size = head_channels or widths[0] // (heads or 1)
    if any(width % size for width in widths) or (heads and size * heads != widths[0]):
        raise ValueError(f"ADM: {widths} channels of attention do not divide into such heads")
    return size


def configuration(layout: Layout, head_channels: int, size: int) -> dict[str, Any]:
    """Arguments of diffusers' `UNet2DModel` for the same network."""
    plain = ("ResnetDownsampleBlock2D", "ResnetUpsampleBlock2D")
    plain = plain if layout.updown else ("DownBlock2D", "UpBlock2D")
    resample = "resnet" if layout.updown else "conv"
    return {
        "sample_size": size,
        "in_channels": layout.image,
        "out_channels": layout.out,
        "block_out_channels": layout.channels,
        "layers_per_block": layout.layers,
        "down_block_types": tuple("AttnDownBlock2D" if a else plain[0] for a in layout.attention),
        "up_block_types": tuple("AttnUpBlock2D" if a else plain[1] for a in layout.attention[::-1]),
        "downsample_type": resample,
        "upsample_type": resample,
        "resnet_time_scale_shift": "scale_shift" if layout.scale_shift else "default",
        "attention_head_dim": head_channels,
        "norm_num_groups": 32,
        "attn_norm_num_groups": 32,  # with scale_shift the mid attention would go without
        "norm_eps": 1e-5,
        "time_embedding_type": "positional",
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "num_class_embeds": layout.classes,
    }
