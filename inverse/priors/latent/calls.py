"""How each of diffusers' networks of latents is called; each call is the same function of ours.

`call(network, z, t, condition, guidance, pixels)`: latents z (B, c, h, w), or (B, c, T, h, w) of a
video network, timestep t in [0, 1000), guidance for the networks that are told it, (height, width)
of the image.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from inverse.priors.contract import configuration
from inverse.priors.latent.condition import Condition

Call = Callable[[Any, Tensor, float, Condition | None, float, tuple[int, int]], Tensor]


def call_of(network: nn.Module) -> Call:
    """How the network is called.

    Raises:
        ValueError: for a kind of network that is not known here.
    """
    kind = type(network).__name__
    if kind not in CALLS:
        raise ValueError(f"LatentPrior: takes one of {', '.join(CALLS)}, got a {kind}")
    return CALLS[kind]


def channels(network: nn.Module) -> int:
    """Of the latents that the network denoises."""
    config, kind = configuration(network), type(network).__name__
    if kind == "UNet2DConditionModel":
        return config["out_channels"]  # it may take more, see `extra`
    return config["in_channels"] // (4 if kind == "FluxTransformer2DModel" else 1)


def extra(network: nn.Module) -> int:
    """Channels that the network takes beside the latents: of one that inpaints, a mask and latents.

    Raises:
        ValueError: for another number of them.
    """
    own = channels(network)
    if type(network).__name__ != "UNet2DConditionModel":
        return 0
    beside = configuration(network)["in_channels"] - own
    if beside not in (0, 1 + own):
        raise ValueError(
            f"LatentPrior: this network takes {beside} channels beside its {own} latents; it must "
            f"take none, or {1 + own} as one that inpaints does (mask, masked latents)"
        )
    return beside


def takes_guidance(network: nn.Module) -> bool:
    """Whether guidance was distilled into the network, which is told its weight."""
    config = configuration(network)
    return config.get("time_cond_proj_dim") is not None or bool(config.get("guidance_embeds"))


def _unconditional(
    network: Any, z: Tensor, t: float, condition: None, guidance: float, pixels: tuple[int, int]
) -> Tensor:
    return network(z, z.new_full((len(z),), t), return_dict=False)[0]


def _unet(
    network: Any,
    z: Tensor,
    t: float,
    condition: Condition,
    guidance: float,
    pixels: tuple[int, int],
) -> Tensor:
    config, extra = network.config, {}
    if config["time_cond_proj_dim"] is not None:
        embedded = guidance_embedding(guidance - 1, config["time_cond_proj_dim"])
        extra["timestep_cond"] = embedded.to(z).expand(len(z), -1)
    if config["addition_embed_type"] == "text_time":
        ids = z.new_tensor([*pixels, 0, 0, *pixels])  # original size, cropped at, target size
        extra["added_cond_kwargs"] = {
            "text_embeds": _rows(condition.pooled, z),
            "time_ids": ids.expand(len(z), -1),
        }
    hidden = _rows(condition.hidden, z)
    times = torch.full((len(z),), t, device=z.device)
    return network(z, times, encoder_hidden_states=hidden, **extra, return_dict=False)[0]


def _sd3(
    network: Any,
    z: Tensor,
    t: float,
    condition: Condition,
    guidance: float,
    pixels: tuple[int, int],
) -> Tensor:
    return network(
        z,
        timestep=torch.full((len(z),), t, device=z.device),
        encoder_hidden_states=_rows(condition.hidden, z),
        pooled_projections=_rows(condition.pooled, z),
        return_dict=False,
    )[0]


def _wan(
    network: Any,
    z: Tensor,
    t: float,
    condition: Condition,
    guidance: float,
    pixels: tuple[int, int],
) -> Tensor:
    times, hidden = torch.full((len(z),), t, device=z.device), _rows(condition.hidden, z)
    return network(z, times, hidden, return_dict=False)[0]


def _flux(
    network: Any,
    z: Tensor,
    t: float,
    condition: Condition,
    guidance: float,
    pixels: tuple[int, int],
) -> Tensor:
    (batch, depth, height, width), guided = z.shape, network.config["guidance_embeds"]
    tokens = z.view(batch, depth, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    place = torch.cartesian_prod(
        torch.arange(height // 2, device=z.device), torch.arange(width // 2, device=z.device)
    )
    hidden = _rows(condition.hidden, z)
    out = network(
        hidden_states=tokens.reshape(batch, height * width // 4, 4 * depth),
        timestep=z.new_full((batch,), t / 1000),
        guidance=torch.full((batch,), guidance, device=z.device) if guided else None,
        pooled_projections=_rows(condition.pooled, z),
        encoder_hidden_states=hidden,
        txt_ids=z.new_zeros(hidden.shape[1], 3),
        img_ids=torch.nn.functional.pad(place.to(z.dtype), (1, 0)),
        return_dict=False,
    )[0]
    out = out.view(batch, height // 2, width // 2, depth, 2, 2)
    return out.permute(0, 3, 1, 4, 2, 5).reshape(z.shape)


def guidance_embedding(weight: float, size: int) -> Tensor:
    """How a distilled network is told the guidance weight, (1, size): sines, then cosines.

    Reference: Meng et al., 2023, arXiv:2210.03142 (the sinusoids of Kingma et al., 2021).
    """
    half = size // 2
    frequency = torch.exp(torch.arange(half) * -(math.log(10000.0) / (half - 1)))
    angle = 1000 * weight * frequency
    return torch.nn.functional.pad(torch.cat([angle.sin(), angle.cos()]), (0, size % 2))[None]


def _rows(given: Tensor | None, z: Tensor) -> Tensor:
    assert given is not None
    return given.to(z).expand(len(z), *given.shape[1:])


CALLS: dict[str, Call] = {
    "UNet2DModel": _unconditional,
    "UNet2DConditionModel": _unet,
    "SD3Transformer2DModel": _sd3,
    "FluxTransformer2DModel": _flux,
    "WanTransformer3DModel": _wan,
}  # pyright: ignore[reportAssignmentType]
