"""Networks: how they are called, and what the configuration of diffusers' says of them."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


def configuration(network: nn.Module) -> Mapping[str, Any]:
    """The network's configuration; empty for a module that is not of diffusers."""
    config = getattr(network, "config", None)
    return config if isinstance(config, Mapping) else {}


def image_shape(network: nn.Module) -> tuple[int, int, int] | None:
    """(C, H, W) that it was made for; None where it does not say."""
    config = configuration(network)
    size = config.get("sample_size")
    if size is None:
        return None
    height, width = (size, size) if isinstance(size, int) else size
    return config["in_channels"], height, width


def multiple_of(network: nn.Module) -> int:
    """What its images' sides must be multiples of: of a U-Net's coarsest pixel, or a patch."""
    config = configuration(network)
    if "block_out_channels" in config:
        return 2 ** (len(config["block_out_channels"]) - 1)
    return config.get("patch_size", 1)


def check_label(network: nn.Module, label: int | None) -> None:
    """Raise ValueError for a label that the network does not have, or one that it misses."""
    config = configuration(network)
    classes = config.get("num_class_embeds")
    if config.get("num_embeds_ada_norm") is not None:
        classes = config["num_embeds_ada_norm"] + 1  # DiT: the last one is "no class"
    if not config or (classes is None and label is None):
        return
    if classes is None:
        raise ValueError(f"prior: label={label}, but this network knows no classes")
    if label is None or not 0 <= label < classes:
        raise ValueError(
            f"prior: this network is class-conditional; label must be one of "
            f"0..{classes - 1}, got {label}"
        )


def check_timesteps(network: nn.Module, timesteps: str) -> None:
    """Raise ValueError for a network that cannot take the timesteps it would be given."""
    kind = configuration(network).get("time_embedding_type", "positional")
    if kind == "fourier":
        raise ValueError(
            "DiffusersPrior: this network takes noise levels, not timesteps (time_embedding_type "
            "fourier); it has no table of betas"
        )
    if kind == "learned" and timesteps != "nearest":
        raise ValueError(
            "DiffusersPrior: this network learned its embedding per whole timestep; "
            "take timesteps='nearest'"
        )


def is_of_diffusers(network: nn.Module) -> bool:
    """Whether it is called as diffusers' networks are: `network(z, t, return_dict=False)[0]`."""
    return "return_dict" in inspect.signature(network.forward).parameters


def ask(network: nn.Module, z: Tensor, time: Tensor, labels: Tensor | None, theirs: bool) -> Tensor:
    """The output (B, C, H, W), less a variance, told the time and labels (B,).

    `theirs`: whether it is called as diffusers' networks are, with `class_labels`, or as
    `network(z, t)`, `network(z, t, labels)`.

    Raises:
        ValueError: for a network of another number of channels than C or 2 C.
    """
    learned = configuration(network).get("time_embedding_type") == "learned"
    time = time.long() if learned else time.to(z.dtype)
    if theirs:
        options = {} if labels is None else {"class_labels": labels}
        out = network(z, time, **options, return_dict=False)[0]
    else:
        out = network(z, time) if labels is None else network(z, time, labels)
    channels = z.shape[1]
    if not isinstance(out, Tensor) or out.shape[1] not in (channels, 2 * channels):
        given = f"{out.shape[1]} channels" if isinstance(out, Tensor) else f"a {type(out).__name__}"
        raise ValueError(
            f"the network gives {given} for an image of {channels}; it must give "
            "as many channels, or twice with a learned variance"
        )
    return out[:, :channels]


def weights_dtype(network: nn.Module, z: Tensor) -> torch.dtype:
    """The precision of the network's first weights; z's where it has none."""
    kinds = (p.dtype for p in network.parameters() if p.is_floating_point())
    return next(kinds, z.dtype)
