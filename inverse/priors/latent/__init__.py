"""Priors on the latents of an autoencoder: Stable Diffusion, SDXL, LCM, SD3, Flux, by diffusers."""

from inverse.priors.latent.condition import Condition, encoded_pair
from inverse.priors.latent.prior import LatentPrior
from inverse.priors.latent.vae import VAE

__all__ = ["Condition", "LatentPrior", "VAE", "encoded_pair"]
