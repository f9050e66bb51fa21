"""An ADM network's tensors under diffusers' names."""

from collections.abc import Callable, Iterator

from torch import Tensor

from inverse.priors.checkpoints.adm import Layout, State

Tensors = dict[str, Tensor]
RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
ENDS = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb": "class_embedding",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
ORDERS = ("legacy", "new")


def translate(state: State, layout: Layout, head: int, order: str) -> Tensors:
    """The tensors of `UNet2DModel`; `head` channels per attention head, its rows in `order`.

    Legacy attention keeps q, k, v of each head together, the new order all of q, then k, then v.

    Raises:
        ValueError: for tensors that are left over, or an unknown order.
    """
    if order not in ORDERS:
        raise ValueError(f"ADM: attention must be one of {', '.join(ORDERS)}, got {order!r}")
    out, used = _renamed(state, "", "", ENDS)
    for source, target in _blocks(layout):
        kind = _attention(head, order) if "attentions" in target else _resnet_or_conv
        tensors, names = kind(state, source, target)
        out |= tensors
        used |= names
    left = sorted(set(state) - used)
    if left:
        raise ValueError(f"ADM: no place in UNet2DModel for {', '.join(left[:4])} ({len(left)})")
    return out


def _blocks(layout: Layout) -> Iterator[tuple[str, str]]:
    """Where each block stands in ADM and in diffusers."""
    layers, levels = layout.layers, len(layout.channels)
    for level, attention in enumerate(layout.attention):
        start, down = 1 + level * (layers + 1), f"down_blocks.{level}"
        for j in range(layers):
            yield from _pair(f"input_blocks.{start + j}", down, j, attention)
        if level < levels - 1:
            yield f"input_blocks.{start + layers}.0", f"{down}.downsamplers.0"
    yield "middle_block.0", "mid_block.resnets.0"
    yield "middle_block.1", "mid_block.attentions.0"
    yield "middle_block.2", "mid_block.resnets.1"
    for level, attention in enumerate(reversed(layout.attention)):
        start, up = level * (layers + 1), f"up_blocks.{level}"
        for j in range(layers + 1):
            yield from _pair(f"output_blocks.{start + j}", up, j, attention)
        if level < levels - 1:
            yield f"output_blocks.{start + layers}.{1 + attention}", f"{up}.upsamplers.0"


def _pair(source: str, target: str, j: int, attention: bool) -> Iterator[tuple[str, str]]:
    yield f"{source}.0", f"{target}.resnets.{j}"
    if attention:
        yield f"{source}.1", f"{target}.attentions.{j}"


def _renamed(state: State, source: str, target: str, names: dict) -> tuple[Tensors, set[str]]:
    out, used = {}, set()
    for old, new in names.items():
        for end in ("weight", "bias"):
            name = f"{source}{old}.{end}"
            if name in state:
                out[f"{target}{new}.{end}"] = state[name]
                used.add(name)
    return out, used


def _resnet_or_conv(state: State, source: str, target: str) -> tuple[Tensors, set[str]]:
    """A residual block, or the convolution of a down- ("op") or upsampler ("conv")."""
    return _renamed(state, f"{source}.", f"{target}.", RESNET | {"op": "conv", "conv": "conv"})


def _attention(head: int, order: str) -> Callable[[State, str, str], tuple[Tensors, set[str]]]:
    def map_one(state: State, source: str, target: str) -> tuple[Tensors, set[str]]:
        names = {"norm": "group_norm", "proj_out": "to_out.0"}
        out, used = _renamed(state, f"{source}.", f"{target}.", names)
        out[f"{target}.to_out.0.weight"] = out[f"{target}.to_out.0.weight"].squeeze(-1)
        for end in ("weight", "bias"):
            rows = state[f"{source}.qkv.{end}"]
            parts = _split(rows.squeeze(-1) if end == "weight" else rows, head, order)
            out |= {f"{target}.to_{k}.{end}": v for k, v in zip("qkv", parts, strict=True)}
            used.add(f"{source}.qkv.{end}")
        return out, used

    return map_one


def _split(rows: Tensor, head: int, order: str) -> tuple[Tensor, ...]:
    """q, k and v out of the rows of all three."""
    if order == "new":
        return tuple(part.contiguous() for part in rows.chunk(3))
    grouped = rows.unflatten(0, (-1, 3, head))
    return tuple(grouped[:, i].flatten(0, 1).contiguous() for i in range(3))
