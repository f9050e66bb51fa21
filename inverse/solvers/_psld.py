"""PSLD: posterior sampling with latent diffusion."""

import torch
from torch import Tensor

from inverse.denoise import LINEAR, DataFlow, Evaluation, Prior, linear_operator, noise_variance
from inverse.levels import Level
from inverse.priors.autoencoder import Autoencoder, autoencoder_of
from inverse.samplers import LatentNoise, Process, Sampler, decoded, latent_grid
from inverse.transitions import DDIM


class Glue(DataFlow):
    """PSLD's guidance: the data's gradient, and one that glues the latent to what it encodes.

    `z_b <- z_b - grad_z (omega ||y - A x|| + gamma ||E(x') - z0||)`, `x = D(z0(z))`.

    `x' = x + A^T (A A^T + sigma_y^2 I)^{-1} (y - A x)` is x with what the data say of it. Norms
    are per sample. E and D are the autoencoder's; the problem is the image's own.

    Where A^T A is a projection and there is no noise, x' is the published
    `A^T y + (I - A^T A) x`; elsewhere that is no gluing (its A^T would shrink or amplify what is
    pasted), and with the inverse alone the noise of y would be.

    Raises:
        ValueError: for a negative weight.
        Unfit: for a nonlinear operator.
    """

    differentiable = True
    requires = frozenset({LINEAR})

    def __init__(self, autoencoder: Autoencoder, omega: float, gamma: float) -> None:
        if omega < 0 or gamma < 0:
            raise ValueError(f"Glue: omega and gamma must not be negative, got {omega} and {gamma}")
        self.autoencoder, self.omega, self.gamma = autoencoder, omega, gamma

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        operator, problem = linear_operator(ev.problem, "Glue"), ev.problem
        variance = noise_variance(problem)

        def loss(z0: Tensor) -> Tensor:
            x = self.autoencoder.decode(z0)
            fit = problem.residual(x)
            pasted = operator.prox(x, problem.y, variance)
            apart = self.autoencoder.encode(pasted) - z0
            return self.omega * _norm(fit) + self.gamma * _norm(apart)

        return ev.gradient(loss) * (-fraction / b.alpha)


def _norm(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x.flatten(1), dim=1)


def psld(
    prior: Prior,
    *,
    steps: int = 1000,
    omega: float = 1.0,
    gamma: float = 0.1,
    eta: float = 0.0,
) -> Sampler:
    """LDPS with a gluing term: the latents must also be those of the image with the data in it.

    `z_b = DDIM(eta)(z, z0) - grad_z (omega ||y - A x|| + gamma ||E(x') - z0||)`, `x = D(z0)`,
    `x' = x + A^T (A A^T + sigma_y^2 I)^{-1} (y - A x)`, see `Glue`. Linear operators; one
    backward pass through encoder, decoder and network per step. On a prior of pixels E and D are
    the identity.

    Reference: Rout et al., 2023, arXiv:2307.00619, Alg. 2; released: 1000 steps of eta 0, omega 1
    and gamma 0.1 (Stable Diffusion), both 0.1 (the FFHQ model, Gaussian deblurring).
    Departures: norms are per sample and, as in the released code, not squared as in the algorithm;
    the paste uses A^T's regularised inverse in place of A^T, the same where A^T A is a projection
    and y has no noise; no fresh noise is added to `A D(z0)` at each step (as released).
    """
    autoencoder = autoencoder_of(prior)
    flow, start = Glue(autoencoder, omega, gamma), LatentNoise(autoencoder)
    process = Process(prior, DDIM(eta), latent_grid(steps), flow, start=start)
    return decoded(process, prior, through=False)
