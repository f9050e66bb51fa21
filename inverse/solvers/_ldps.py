"""LDPS: diffusion posterior sampling in the latent space of an autoencoder."""

from inverse.denoise import Prior
from inverse.flows import Norm
from inverse.samplers import Process, Sampler, decoded, latent_grid
from inverse.transitions import DDIM


def ldps(prior: Prior, *, steps: int = 1000, zeta: float = 1.0, eta: float = 0.0) -> Sampler:
    """DPS on latents: a step of the prior, then a nudge down the gradient of the residual norm.

    `z_b = DDIM(eta)(z, z0) - zeta grad_z ||y - A D(z0(z))||`, D the decoder; any differentiable
    operator. One backward pass through decoder and network per step. The image is not asked to be
    one that the encoder would map to z0: where D stretches, estimates drift off its images, the
    bias that PSLD's gluing is for. On a prior of pixels D is the identity.

    Reference: Rout et al., 2023, arXiv:2307.00619, eq. 6 (there GML-DPS's starting point); Chung et
    al., 2023, arXiv:2209.14687, Alg. 1; zeta 1 and 1000 steps of eta 0 as in the released code of
    PSLD without its gluing.
    Departures: the norm is per sample; no fresh noise is added to `A D(z0)` at each step (the
    released code does).
    """
    return decoded(Process(prior, DDIM(eta), latent_grid(steps), Norm(zeta)), prior)
