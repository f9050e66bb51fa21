"""diffusers' autoencoder of videos, scaled to the latents that its network was trained on."""

from typing import Any

import torch
from torch import Tensor, nn

from inverse.priors.autoencoder import Autoencoder


class VideoVAE(Autoencoder):
    """A causal autoencoder of clips, (B, 3, T, H, W) in [-1, 1].

    `E(x) = (mode(x) - mean) / std`, `D(z) = decode(z std + mean)`, mean and std one per channel.

    `AutoencoderKLWan`, with those of its configuration: the first frame is a latent of its own,
    then each is of so many as its configuration says (4). Works in the dtype of its weights and
    returns the one it was given.

    Reference: Wan team, 2025, arXiv:2503.20314.

    Args:
        network: the autoencoder; set up, not copied.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network
        config = self.network.config
        self.factor = 2 ** (len(config["dim_mult"]) - 1) * (config["patch_size"] or 1)
        self.pace, self.channels = 2 ** sum(config["temperal_downsample"]), config["z_dim"]
        for name in ("mean", "std"):
            value = torch.tensor(config[f"latents_{name}"])[:, None, None, None]
            self.register_buffer(name, value, persistent=False)

    def latent_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) != 4 or (shape[1] - 1) % self.pace or any(s % self.factor for s in shape[2:]):
            advice = (
                "crop it, or choose frames, window and overlap so that every window has so many"
                if len(shape) == 4
                else "give lvtino this prior as its video, and one of pictures beside"
            )
            raise ValueError(
                f"VideoVAE: takes clips (3, {self.pace} k + 1, H, W), H and W multiples of "
                f"{self.factor}, got {shape}; {advice}"
            )
        _, frames, height, width = shape
        sides = height // self.factor, width // self.factor
        return self.channels, (frames - 1) // self.pace + 1, *sides

    def encode(self, x: Tensor) -> Tensor:
        self.latent_shape(tuple(x.shape[1:]))
        mode = self.network.encode(x.to(self._dtype)).latent_dist.mode().to(x.dtype)
        return (mode - self.mean) / self.std

    def decode(self, z: Tensor) -> Tensor:
        return self.network.decode((z * self.std + self.mean).to(self._dtype)).sample.to(z.dtype)

    @property
    def _dtype(self) -> torch.dtype:
        return next(self.network.parameters()).dtype
