"""Ours: the nested split sampler in the latent space of an autoencoder."""

from inverse.denoise import Conditioned, Prior
from inverse.priors.autoencoder import autoencoder_of
from inverse.samplers import LatentWiener, Sampler, decoded
from inverse.solvers._nested import nest, walks
from inverse.steps import Lift, Prox
from inverse.transitions import Anneal, Turned


def nested_latent(
    prior: Prior,
    *,
    outer_steps: int = 9,
    inner_least: int = 1,
    inner_most: int = 3,
    outer_start: float = 0.6,
    inner_most_from: float = 0.4,
    outer_end: float = 0.1,
    inner_end: float = 0.1,
    lam: float = 0.72,
    outer_temperature: float = 1.0,
    inner_zeta: float = 0.8,
) -> Sampler:
    """`nested` with its states in latents and its data steps on images.

    The same outer annealing of the same inner chain; the data step is
    `z0' = z0 + E(prox(D(z0))) - E(D(z0))`, so that the autoencoder's own losses are not fed back
    (`Lift`), and it starts from the encoded Wiener restoration. Text guides by the prior's prompt
    and guidance. Linear operators; no backward pass. Each outer step ends in a viable image.

    Reference: Elata et al., 2023, arXiv:2305.19066 (nesting); Zhang et al., 2021,
    arXiv:2008.13751 (half-quadratic splitting). The numbers are those of `nested`, chosen on
    pixels of standard deviation 1/2, for latents of 1 (levels twice, lam four times as large): not
    tuned on any latent prior.
    """
    autoencoder = autoencoder_of(prior)
    denoiser = Conditioned(prior, Lift(Prox(lam), autoencoder, keep=True))
    inside, outside = walks(
        outer_steps, inner_least, inner_most, outer_start, inner_most_from, outer_end, inner_end
    )
    begin = LatentWiener(autoencoder)
    flow = Turned(inner_zeta)
    process = nest(denoiser, inside, flow, outside, Anneal(outer_temperature), begin)
    return decoded(process, prior, through=False)
