"""PSLD: the DPS nudge, and one that keeps the latents consistent with the image they decode to."""

import torch
from torch import Tensor

from inverse.denoise import LINEAR, DataFlow, Evaluation, linear_operator, noise_variance
from inverse.levels import Level
from inverse.priors.autoencoder import Autoencoder


class Glue(DataFlow):
    """``z_b <- z_b - grad_z (omega ||y - A x|| + gamma ||E(x') - z0||)``, ``x = D(z0(z))``.

    ``x' = x + A^T (A A^T + sigma_y^2 I)^{-1} (y - A x)`` is x with what the data say of it. Norms
    are per sample. E and D are the autoencoder's; the problem is the image's own.

    Where A^T A is a projection and there is no noise, x' is the published
    ``A^T y + (I - A^T A) x``; elsewhere that is no gluing (its A^T would shrink or amplify what is
    pasted), and with the inverse alone the noise of y would be.

    Reference: Rout et al., 2023, arXiv:2307.00619, Alg. 2.

    Raises:
        ValueError: for a negative weight. Unfit: for a nonlinear operator.
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
