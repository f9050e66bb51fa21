"""diffusers' image autoencoders, scaled to the latents that their networks were trained on."""

from typing import Any

import torch
from torch import Tensor, nn

from inverse.priors.autoencoder import Autoencoder


class VAE(Autoencoder):
    """A variational autoencoder of diffusers, with its scale and shift.

    `E(x) = scale (mode(x) - shift)`, `D(z) = decode(z / scale + shift)`.

    `AutoencoderKL` (the mean of its posterior), `VQModel` (which decodes the nearest code) or
    `AutoencoderTiny`, with the scale and shift of its configuration. Works in the dtype of its
    weights and returns the one it was given.

    Args:
        network: the autoencoder; set up, not copied.
        tile: side in pixels of overlapping tiles, for images larger than that; None: whole images.
            Bounds the memory; colours may differ a little from tile to tile.
        checkpoint: compute the decoder's insides again on the way back rather than keep them:
            for solvers that differentiate it. Changes nothing but time and memory.

    Raises:
        ValueError: for a tile that is no multiple of the latents' factor, or a network that
            cannot tile.
    """

    def __init__(
        self, network: nn.Module, tile: int | None = None, checkpoint: bool = True
    ) -> None:
        super().__init__()
        self.network: Any = network
        config = self.network.config
        blocks = config.get("block_out_channels") or config["encoder_block_out_channels"]
        self.factor, self.channels = 2 ** (len(blocks) - 1), config["latent_channels"]
        self.scale = config.get("scaling_factor") or 1.0
        self.shift = config.get("shift_factor") or 0.0
        if tile is not None:
            self._tile(tile)
        if checkpoint and self.network._supports_gradient_checkpointing:
            self.network.enable_gradient_checkpointing()

    def _tile(self, tile: int) -> None:
        if tile % self.factor or tile < 4 * self.factor:  # they overlap by a quarter
            raise ValueError(
                f"VAE: tile must be a multiple of {self.factor}, at least {4 * self.factor}, "
                f"got {tile}"
            )
        if not hasattr(self.network, "use_tiling"):
            raise ValueError(f"VAE: a {type(self.network).__name__} takes no tiles; give tile=null")
        self.network.tile_sample_min_size = tile
        self.network.tile_latent_min_size = tile // self.factor
        self.network.enable_tiling()

    def latent_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        _, height, width = shape
        if height % self.factor or width % self.factor:
            raise ValueError(
                f"VAE: the sides of the image must be multiples of {self.factor}, got {shape}; "
                "crop it, or give a size"
            )
        return self.channels, height // self.factor, width // self.factor

    def encode(self, x: Tensor) -> Tensor:
        found = self.network.encode(x.to(self._dtype))
        mode = found.latent_dist.mode() if hasattr(found, "latent_dist") else found.latents
        return (mode.to(x.dtype) - self.shift) * self.scale

    def decode(self, z: Tensor) -> Tensor:
        image = self.network.decode((z / self.scale + self.shift).to(self._dtype)).sample
        return image.to(z.dtype)

    @property
    def _dtype(self) -> torch.dtype:
        return next(self.network.parameters()).dtype
