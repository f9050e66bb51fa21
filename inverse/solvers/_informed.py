"""Plain sampling of a network that is told of the measurement."""

from inverse.denoise import Denoiser
from inverse.priors.autoencoder import autoencoder_of
from inverse.samplers import LatentNoise, Process, Sampler, decoded, latent_grid
from inverse.transitions import DDIM


def informed(prior: Denoiser, *, steps: int = 20, eta: float = 0.0) -> Sampler:
    """Walk from noise with a network that is told of the measurement (`Informed`), and no more.

    `z_b = DDIM(eta)(z, z0)`, z0 its estimate, over evenly spaced ones of 1000 timesteps.

    For networks that inpaint, on latents: a prior of `prior=latent` whose network takes nine
    channels. What it restores is decoded, so that known pixels are those of the autoencoder; paste
    them by `Project`. Any other prior knows nothing of the measurement and dreams.

    Reference: Rombach et al., 2022, arXiv:2112.10752, sec. 4.5 (inpainting).
    """
    start = LatentNoise(autoencoder_of(prior))
    return decoded(Process(prior, DDIM(eta), latent_grid(steps), start=start), prior, False)
