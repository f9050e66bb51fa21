"""Networks in two halves: what is deep changes slowly from one noise level to the next."""

import copy
from typing import Any

from torch import Tensor, nn

from inverse.priors.contract import configuration


class Halves(nn.Module):
    """A diffusers `UNet2DModel` that gives its deep features too, or takes them.

    Deep is all below the first level: what the last block of the way up is given from below. The
    first level, at full resolution, is always computed.

    Reference: Ma et al., 2023, arXiv:2312.00858 (DeepCache), Section 3.2.

    Raises:
        ValueError: for another kind of network, or one of a single level.
    """

    def __init__(self, network: nn.Module) -> None:
        from diffusers.models.unets.unet_2d import UNet2DModel

        super().__init__()
        config = configuration(network)
        if not isinstance(network, UNet2DModel) or len(network.down_blocks) < 2:
            raise ValueError(
                f"reuse: needs a UNet2DModel of two levels at least, or a transformer, of "
                f"diffusers, got {type(network).__name__}"
            )
        skipping = any(hasattr(block, "skip_conv") for block in network.down_blocks)
        if skipping or config["center_input_sample"] or config["time_embedding_type"] == "fourier":
            raise ValueError(
                "reuse: this UNet2DModel (skip blocks, centred input or Fourier embedding) cannot "
                "be parted; take reuse=1"
            )
        self.network: Any = network
        self.config = config

    def forward(
        self, z: Tensor, t: Tensor, labels: Tensor | None = None, deep: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The output at z (B, C, H, W) and timesteps t (B,), and the deep features.

        Without `deep` it is the network itself; given those of another call, only the first
        level is computed.
        """
        net = self.network
        embedded = net.time_embedding(net.time_proj(t).to(net.dtype))
        if labels is not None:
            embedded = embedded + net.class_embedding(labels).to(net.dtype)
        x = net.conv_in(z)
        if deep is None:
            deep, skips = self._below(x, embedded)
        else:
            skips = self._first(x, embedded)
        x = net.up_blocks[-1](deep, skips, embedded)
        return net.conv_out(net.conv_act(net.conv_norm_out(x))), deep

    def _below(self, x: Tensor, embedded: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        net, skips = self.network, (x,)
        for block in net.down_blocks:
            x, more = block(hidden_states=x, temb=embedded)
            skips += more
        if net.mid_block is not None:
            x = net.mid_block(x, embedded)
        for block in net.up_blocks[:-1]:
            count = len(block.resnets)
            x, skips = block(x, skips[-count:], embedded), skips[:-count]
        return x, skips

    def _first(self, x: Tensor, embedded: Tensor) -> tuple[Tensor, ...]:
        block, skips = self.network.down_blocks[0], (x,)
        attentions = getattr(block, "attentions", [None] * len(block.resnets))
        for resnet, attention in zip(block.resnets, attentions, strict=True):
            x = resnet(x, embedded)
            x = x if attention is None else attention(x)
            skips += (x,)
        return skips


class Attentions(nn.Module):
    """A diffusers transformer that gives what its attentions made too, or takes it.

    By diffusers' own hooks, on a copy of the network that shares its weights. Their states are
    taken out after each call, so that none is left in the network.

    Reference: Zhao et al., 2024, arXiv:2408.12588 (Pyramid Attention Broadcast).

    Raises:
        ValueError: for a network without attentions that the hooks find.
    """

    def __init__(self, network: nn.Module) -> None:
        from diffusers.hooks.pyramid_attention_broadcast import (
            PyramidAttentionBroadcastConfig,
            apply_pyramid_attention_broadcast,
        )

        super().__init__()
        shared: dict[int, Any] = {id(p): p for p in network.parameters()}
        self.network = copy.deepcopy(network, shared)
        self.config = configuration(network)
        config = PyramidAttentionBroadcastConfig(
            spatial_attention_block_skip_range=1 << 30,  # until told otherwise, by an empty state
            spatial_attention_timestep_skip_range=(-1, 1),
            current_timestep_callback=lambda: 0,
        )
        apply_pyramid_attention_broadcast(self.network, config)
        registries: list[Any] = [
            m._diffusers_hook for m in self.network.modules() if hasattr(m, "_diffusers_hook")
        ]
        self.hooks: list[Any] = [hook for r in registries for hook in r.hooks.values()]
        if not self.hooks:
            raise ValueError(f"reuse: {type(network).__name__} has no attentions to reuse")

    def forward(
        self, z: Tensor, t: Tensor, labels: Tensor | None = None, deep: tuple | None = None
    ) -> tuple[Tensor, tuple]:
        """The output at z (B, C, H, W) and timesteps t (B,), and what the attentions made."""
        for k, hook in enumerate(self.hooks):
            hook.state.reset()
            if deep is not None:
                hook.state.iteration, hook.state.cache = 1, deep[k]
        options = {} if labels is None else {"class_labels": labels}
        out = self.network(z, t, **options, return_dict=False)[0]
        made = tuple(hook.state.cache for hook in self.hooks)
        for hook in self.hooks:
            hook.state.reset()
        return out, made


def halves(network: nn.Module) -> nn.Module:
    """The network in two halves: `Attentions` of a transformer of diffusers, `Halves` of a UNet."""
    return (Attentions if hasattr(network, "transformer_blocks") else Halves)(network)
