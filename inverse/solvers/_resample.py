"""ReSample: latent diffusion with hard data consistency."""

from collections.abc import Callable

import torch
from torch import Tensor

from inverse.denoise import Move, Prior, Transition, noise_level
from inverse.levels import Discrete, Level
from inverse.priors.autoencoder import Autoencoder, autoencoder_of
from inverse.samplers import LatentNoise, Process, Sampler, decoded, latent_grid
from inverse.solvers._adam import adam
from inverse.transitions.ddim import renoise
from operators import Problem, Rng

EXACT = 1e-6
"""Mean squared residual at which data without noise count as explained, as released."""


class HardConsistency(Transition[int]):
    """DDIM, and every `every`-th step an estimate that explains the data; see `resample`.

    Its memory is how many steps were made.
    """

    def __init__(
        self,
        autoencoder: Autoencoder,
        every: int,
        gamma: float,
        iterations: tuple[int, int],
        rates: tuple[float, float],
    ) -> None:
        if every < 1 or gamma <= 0 or min(iterations) < 1 or min(rates) <= 0:
            raise ValueError(
                "resample: need every >= 1, gamma > 0, iterations >= 1 and rates > 0, got "
                f"{every}, {gamma}, {iterations} and {rates}"
            )
        self.autoencoder, self.every, self.gamma = autoencoder, every, gamma
        self.iterations, self.rates = iterations, rates
        schedule = Discrete.scaled_linear()
        self.third, self.two_thirds = schedule(333).nsr, schedule(666).nsr

    def init(self) -> int:
        return 0

    def step(self, move: Move, memory: int) -> tuple[Tensor, int]:
        done, (est, a, b) = memory + 1, move[1:4]
        if b.sigma == 0:
            return self.in_latents(est.x0, move.problem), done
        drawn = renoise(est, b, 0.0, move.rng)
        if done % self.every or a.nsr > self.two_thirds:
            return drawn, done
        solve = self.in_latents if a.nsr <= self.third else self.in_pixels
        return self.between(solve(est.x0, move.problem), drawn, a, b, move.rng), done

    def between(self, x0: Tensor, drawn: Tensor, a: Level, b: Level, rng: Rng) -> Tensor:
        """A draw of `N(z; alpha_b x0, sigma_b^2) N(z; drawn, s^2)`, see `resample`."""
        s2 = self.gamma * b.sigma**2 * (1 - (b.nsr / a.nsr) ** 2)
        total = s2 + b.sigma**2
        z = x0 * (b.alpha * s2 / total) + drawn * (b.sigma**2 / total)
        return z.add_(rng.normal(z.shape), alpha=(s2 * b.sigma**2 / total) ** 0.5)

    def in_pixels(self, z: Tensor, problem: Problem) -> Tensor:
        """`E(argmin_x ||y - A x||^2)` from `x = D(z)`."""
        x = self.autoencoder.decode(z)
        x = explained(x, problem.residual, problem, self.iterations[0], self.rates[0])
        return self.autoencoder.encode(x)

    def in_latents(self, z: Tensor, problem: Problem) -> Tensor:
        """`argmin_z ||y - A D(z)||^2` from z."""

        def residual(z: Tensor) -> Tensor:
            return problem.residual(self.autoencoder.decode(z))

        return explained(z, residual, problem, self.iterations[1], self.rates[1])


def explained(
    x: Tensor,
    residual: Callable[[Tensor], Tensor],
    problem: Problem,
    iterations: int,
    rate: float,
) -> Tensor:
    """Adam on `||residual(x)||^2` from x, per sample until it is `m max(sigma_y^2, EXACT)`."""
    noise = noise_level(problem)
    least = torch.as_tensor(noise, dtype=x.dtype, device=x.device).square().clamp_min(EXACT)
    x, moments = x.detach(), None
    for _ in range(iterations):
        with torch.enable_grad():
            leaf = x.requires_grad_()
            loss = residual(leaf).square().flatten(1).sum(1)
            total = loss.sum()
        wanting = loss.detach() > least * problem.measured
        if not bool(wanting.any()):  # a wait for the device, to save runs of the decoder
            break
        move, moments = adam(torch.autograd.grad(total, leaf)[0], moments, rate)
        x = torch.where(wanting[:, None, None, None], x.detach() + move, x.detach())
    return x.detach()


def resample(
    prior: Prior,
    *,
    steps: int = 500,
    every: int = 10,
    gamma: float = 40.0,
    pixel_iterations: int = 2000,
    latent_iterations: int = 500,
    pixel_rate: float = 1e-2,
    latent_rate: float = 5e-3,
) -> Sampler:
    """DDIM on latents, now and then resampled between its state and one that explains the data.

    Every `every`-th step: z0' explains the data, `z' = DDIM(0)` from z0, and z_b is drawn from
    the product of `N(alpha_b z0', sigma_b^2)` and `N(z', s^2)`, `s^2 = gamma sigma_b^2
    (1 - nsr_b^2 / nsr_a^2)`. In the first third of the timesteps (of 1000) nothing; in the second
    `z0' = E(argmin_x ||y - A x||^2)` from `x = D(z0)`; in the last, and at the end,
    `z0' = argmin_z ||y - A D(z)||^2` from z0. Any differentiable operator; no backward pass
    through the network. On a prior of pixels E and D are the identity.

    Reference: Song et al., 2024, arXiv:2307.08123, Alg. 1 and eq. 9; released: 500 steps, every
    10th, gamma 40 (40 to 90 per task), Adam with rates 0.01 and 0.005, at most 2000 and 500 steps.
    Departures: z0 is Tweedie's at the step itself (released: after 5 more steps of DDIM, with
    1 - alpha_bar where its root belongs); it stops at the noise level of the data, per sample
    (released: 1e-6, which fits the noise, or once 200 steps of the fit of latents have brought
    nothing); no weight decay; no step of DPS in between.
    """
    autoencoder = autoencoder_of(prior)
    iterations, rates = (pixel_iterations, latent_iterations), (pixel_rate, latent_rate)
    transition = HardConsistency(autoencoder, every, gamma, iterations, rates)
    start = LatentNoise(autoencoder)
    process = Process(prior, transition, latent_grid(steps), start=start)
    return decoded(process, prior, through=False)
