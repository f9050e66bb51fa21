"""LATINO: latent consistency inverse solver."""

from inverse.denoise import Conditioned, Prior
from inverse.priors.autoencoder import autoencoder_of
from inverse.samplers import LatentWiener, Process, Sampler, decoded, latent_grid
from inverse.steps import Lift, Prox
from inverse.transitions import Renoise


def latino(prior: Prior, *, steps: int = 8, delta: float = 1.0) -> Sampler:
    """Few steps of a consistency model, each followed by a proximal step on the image.

    `x = D(z0)`, `x' = argmin ||y - A x||^2 / (2 sigma_y^2) + ||x - D(z0)||^2 / (2 r^2)`,
    `r^2 = delta (1 - alpha_bar)`, `z_b = alpha_b E(x') + sigma_b n`. It starts from the encoded
    Wiener restoration, noised to the first level. Linear operators; no backward pass at all. Made
    for consistency models (LCM, DMD2), whose z0 is a sharp image at every level.

    Reference: Spagnoletti et al., 2025, arXiv:2503.12615, Alg. 1; released: 8 steps at timesteps
    999, 874, ..., 124, or 4.
    Departures: delta is one number (1 and 0.5, released for inpainting); the released code sets it
    by hand per task and level and scales it by the residual; images are not clipped; the start is
    a Wiener restoration; the prompt is not optimised (LATINO-PRO).
    """
    autoencoder = autoencoder_of(prior)
    if not delta > 0:
        raise ValueError(f"latino: delta must be positive, got {delta}")
    step = Lift(Prox(1 / delta, data_variance=1.0), autoencoder)
    start = LatentWiener(autoencoder, temperature=1.0)
    process = Process(Conditioned(prior, step), Renoise(1), latent_grid(steps), start=start)
    return decoded(process, prior, through=False)
