"""EDM's ADM-like network (NVlabs' DhariwalUNet) under the names of guided-diffusion."""

import re

import torch
from torch import Tensor

from inverse.priors.checkpoints.adm import State

BLOCK = {
    "norm0": "in_layers.0",
    "conv0": "in_layers.2",
    "affine": "emb_layers.1",
    "norm1": "out_layers.0",
    "conv1": "out_layers.3",
    "skip": "skip_connection",
}
ATTENTION = {"norm2": "norm", "qkv": "qkv", "proj": "proj_out"}
ENDS = {
    "map_layer0": "time_embed.0",
    "map_layer1": "time_embed.2",
    "out_norm": "out.0",
    "out_conv": "out.2",
}
PLACE = re.compile(r"(enc|dec)\.(\d+)x\2_(conv|down|up|in|block)(\d*)\.(.+)")


def is_edm(state: State) -> bool:
    """Whether the names are those of EDM's networks."""
    return any(name.removeprefix("model.").startswith("enc.") for name in state)


def as_adm(state: State) -> dict[str, Tensor]:
    """The same network as a guided-diffusion state dict, with the "new" order of attention.

    Labels are one row each, and a row of zeros for "no class" behind them; the embedding of
    augmentations, zero when restoring, is left out.

    Reference: Karras et al., 2022, arXiv:2206.00364, Table 7 (github.com/NVlabs/edm).

    Raises:
        ValueError: for EDM's other network (SongUNet: DDPM++, NCSN++), which diffusers'
            `UNet2DModel` cannot express, for another filter than the average, for unknown names.
    """
    state = {name.removeprefix("model."): tensor for name, tensor in state.items()}
    if "out_norm.weight" not in state:
        raise ValueError(
            "EDM: this is a SongUNet (DDPM++ or NCSN++): it scales every skip by sqrt(1/2), which "
            "diffusers' UNet2DModel cannot express; only the ADM network is converted"
        )
    levels = sorted({int(m[2]) for m in map(PLACE.fullmatch, state) if m}, reverse=True)
    layers = len({m[4] for m in map(PLACE.fullmatch, state) if m and m[1] + m[3] == "encblock"})
    out = {}
    for name, tensor in state.items():
        if name.endswith("resample_filter"):
            _check_filter(name, tensor)
        elif name == "map_label.weight":
            out["label_emb.weight"] = torch.cat([tensor.T, tensor.new_zeros(1, len(tensor))])
        elif name != "map_augment.weight":
            out[_renamed(name, state, levels, layers)] = _reshaped(name, tensor)
    return out


def _renamed(name: str, state: State, levels: list[int], layers: int) -> str:
    head, _, end = name.rpartition(".")
    if head in ENDS:
        return f"{ENDS[head]}.{end}"
    match = PLACE.fullmatch(name)
    if match is None:
        raise ValueError(f"EDM: no place in UNet2DModel for {name}")
    side, size, kind, index, rest = match.groups()
    if kind == "conv":
        return f"input_blocks.0.0.{rest}"
    part, place = rest.split(".")[0], _place(side, kind, int(index or 0), levels, layers, int(size))
    if part in ATTENTION:
        block = "middle_block.1" if kind == "in" else f"{place}.1"
        return f"{block}.{ATTENTION[part]}.{end}"
    if part not in BLOCK:
        raise ValueError(f"EDM: no place in UNet2DModel for {name}")
    if kind == "in":
        return f"{place}.{BLOCK[part]}.{end}"
    column = 0
    if kind == "up":  # behind the block before it, and that one's attention
        attended = f"dec.{int(size) // 2}x{int(size) // 2}_block{layers}.qkv.weight" in state
        column = 1 + attended
    return f"{place}.{column}.{BLOCK[part]}.{end}"


def _place(side: str, kind: str, index: int, levels: list[int], layers: int, size: int) -> str:
    """Which of ADM's blocks it is."""
    level = levels.index(size)
    if kind == "in":
        return f"middle_block.{2 * index}"
    if side == "enc":
        start = level * (layers + 1)
        return f"input_blocks.{start if kind == 'down' else start + 1 + index}"
    start = (len(levels) - 1 - level) * (layers + 1)
    return f"output_blocks.{start - 1 if kind == 'up' else start + index}"


def _reshaped(name: str, tensor: Tensor) -> Tensor:
    """q, k, v of channel after channel become all of q, then k, then v; 1 x 1 filters lose a 1."""
    if ".qkv." in name:
        tensor = tensor.unflatten(0, (-1, 3)).transpose(0, 1).flatten(0, 1)
    flat = tensor.ndim == 4 and (".qkv." in name or ".proj." in name)
    return tensor.flatten(2) if flat else tensor


def _check_filter(name: str, tensor: Tensor) -> None:
    if tensor.shape[-2:] != (2, 2) or not torch.allclose(tensor, tensor.new_full((), 0.25)):
        raise ValueError(f"EDM: {name} is not the 2 x 2 average, the one filter of UNet2DModel")
