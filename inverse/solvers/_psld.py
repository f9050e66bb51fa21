"""PSLD: posterior sampling with latent diffusion."""

from inverse.denoise import Prior
from inverse.flows import Glue
from inverse.priors.autoencoder import autoencoder_of
from inverse.samplers import LatentNoise, Process, Sampler, decoded, latent_grid
from inverse.transitions import DDIM


def psld(
    prior: Prior,
    *,
    steps: int = 1000,
    omega: float = 1.0,
    gamma: float = 0.1,
    eta: float = 0.0,
) -> Sampler:
    """LDPS with a gluing term: the latents must also be those of the image with the data in it.

    ``z_b = DDIM(eta)(z, z0) - grad_z (omega ||y - A x|| + gamma ||E(x') - z0||)``, ``x = D(z0)``,
    ``x' = x + A^T (A A^T + sigma_y^2 I)^{-1} (y - A x)``, see `Glue`. Linear operators; one
    backward pass through encoder, decoder and network per step. On a prior of pixels E and D are
    the identity.

    Reference: Rout et al., 2023, arXiv:2307.00619, Alg. 2; released: 1000 steps of eta 0, omega 1
    and gamma 0.1 (Stable Diffusion), both 0.1 (the FFHQ model, Gaussian deblurring).
    Departures: norms are per sample and, as in the released code, not squared as in the algorithm;
    the paste uses A^T's regularised inverse in place of A^T, the same where A^T A is a projection
    and y has no noise; no fresh noise is added to ``A D(z0)`` at each step (as released).
    """
    autoencoder = autoencoder_of(prior)
    flow, start = Glue(autoencoder, omega, gamma), LatentNoise(autoencoder)
    process = Process(prior, DDIM(eta), latent_grid(steps), flow, start=start)
    return decoded(process, prior, through=False)
