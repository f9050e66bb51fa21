"""diffusers' networks: how they are called, and what their configuration says of them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from inverse.levels import Level
from inverse.priors.edm import PRECISIONS, weights_dtype
from inverse.priors.fitting import fit


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
        raise ValueError(f"DiffusersPrior: label={label}, but this network knows no classes")
    if label is None or not 0 <= label < classes:
        raise ValueError(
            f"DiffusersPrior: this network is class-conditional; label must be one of "
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


def ask(network: nn.Module, z: Tensor, t: float, label: int | None, precision: str) -> Tensor:
    """The output (B, C, H, W) at ``z`` and timestep ``t``, in z's precision, less a variance.

    Raises:
        Unfit: for a state of channels or sides that the network does not take.
        ValueError: for a network of another number of channels than C or 2 C.
    """
    fit(z, configuration(network).get("in_channels"), multiple_of(network))
    dtype, channels, batch = PRECISIONS[precision], z.shape[1], (len(z),)
    times: Tensor = z.new_full(batch, t)
    labels = {}
    if label is not None:
        labels["class_labels"] = times.new_full(batch, label, dtype=torch.long)
    if configuration(network).get("time_embedding_type") == "learned":
        times = times.long()
    own = weights_dtype(network, z, precision)
    times = times if times.dtype == torch.long else times.to(own)
    with torch.autocast(z.device.type, dtype, enabled=dtype is not None):
        out = network(z.to(own), times, **labels, return_dict=False)[0]
    if out.shape[1] not in (channels, 2 * channels):
        raise ValueError(
            f"the network gives {out.shape[1]} channels for an image of {channels}; it must give "
            "as many, or twice with a learned variance"
        )
    return out[:, :channels].to(z.dtype)


def clean(out: Tensor, z: Tensor, level: Level, prediction: str) -> Tensor:
    """x0 from a network's output at state ``z = alpha x0 + sigma noise``.

    The output is x0 (sample), the noise (epsilon), ``alpha noise - sigma x0`` (v_prediction) or
    ``noise - x0`` (flow, on a path where ``alpha + sigma = 1``).
    """
    alpha, sigma = level
    match prediction:
        case "sample":
            return out
        case "epsilon":
            return (z - sigma * out) / alpha
        case "v_prediction":
            return alpha * z - sigma * out
        case _:
            return z - sigma * out


def expect(what: str, value: str, valid: tuple[str, ...]) -> None:
    """Raise ValueError, naming the valid ones, for a value that is not valid."""
    if value not in valid:
        raise ValueError(f"prior: {what} must be one of {', '.join(valid)}, got {value!r}")
