"""Priors on latents, by diffusers: Stable Diffusion, SDXL, LCM, SD3, Flux, Wan (of videos)."""

from inverse.priors.latent.condition import Condition, encoded_pair
from inverse.priors.latent.prior import LatentPrior
from inverse.priors.latent.vae import VAE
from inverse.priors.latent.video import VideoVAE

__all__ = ["Condition", "LatentPrior", "VAE", "VideoVAE", "encoded_pair"]
