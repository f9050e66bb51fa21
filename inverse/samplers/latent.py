"""Sampling in the latent space of an autoencoder: what any sampler of latents needs around it."""

from collections.abc import Iterator

import torch
from torch import Tensor

from inverse.denoise import LINEAR, check
from inverse.levels import Discrete, Flow, Grid, Level
from inverse.priors.autoencoder import Autoencoder, IdentityAutoencoder, autoencoder_of
from inverse.samplers.iterate import Iterate, State
from inverse.samplers.sampler import Sampler
from inverse.starts import Start, wiener
from operators import Problem, Rng


class Decoded(Sampler):
    """A sampler of latents as one of images: every estimate it yields is decoded.

    States (`Iterate.x`) stay latents: it resumes, but `Iterate.edited`, which moves the state by
    a change of the image, does not apply. Decoding costs one run of the decoder per step.

    Args:
        sampler: its states and estimates are latents.
        autoencoder: of the prior inside.
        through: whether the sampler is told the problem of the latents, `A(D(z))`; else it is
            told the image's own, as it has the autoencoder at hand.
    """

    def __init__(self, sampler: Sampler, autoencoder: Autoencoder, through: bool = True) -> None:
        super().__init__()
        self.sampler, self.autoencoder, self.through = sampler, autoencoder, through

    def walk(self, problem: Problem, rng: Rng, at: Iterate | State | None) -> Iterator[Iterate]:
        seen = self.autoencoder.through(problem) if self.through else problem
        check(self.sampler.requires, seen, "the solver, on latents,")
        if isinstance(at, Iterate):
            at = at.memory._replace(x=at.x)
        for iterate in self.sampler.iterate(seen, rng, at):
            yield iterate._replace(x0=self.autoencoder.decode(iterate.x0), memory=iterate)


def decoded(sampler: Sampler, prior: torch.nn.Module, through: bool = True) -> Sampler:
    """The sampler, `Decoded` where the prior is one of latents and the sampler not yet that."""
    autoencoder = autoencoder_of(prior)
    if isinstance(autoencoder, IdentityAutoencoder) or isinstance(sampler, Decoded):
        return sampler
    return Decoded(sampler, autoencoder, through)


class LatentNoise(Start):
    """Starts from noise in latents, as if the level were infinite.

    `z = sigma n`, latents of the problem's images, as if the level were infinite.
    """

    def __init__(self, autoencoder: Autoencoder) -> None:
        self.autoencoder = autoencoder

    def __call__(self, problem: Problem, rng: Rng, level: Level) -> Tensor:
        shape = self.autoencoder.latent_shape(problem.operator.in_shape)
        return rng.normal((len(rng), *shape)).mul_(level.sigma)


class LatentWiener(Start):
    """Starts from the encoded Wiener restoration of the data, with noise.

    `z = alpha E(w) + temperature sigma n` with w the Wiener restoration of the data.

    Raises:
        Unfit: for an operator that is not linear.
    """

    requires = frozenset({LINEAR})

    def __init__(self, autoencoder: Autoencoder, temperature: float = 0.0) -> None:
        self.autoencoder, self.temperature = autoencoder, temperature

    def __call__(self, problem: Problem, rng: Rng, level: Level) -> Tensor:
        z = self.autoencoder.encode(wiener(problem)) * level.alpha
        if self.temperature > 0:
            z.add_(rng.normal(z.shape), alpha=self.temperature * level.sigma)
        return z


def latent_grid(steps: int) -> Grid:
    """`steps` of Stable Diffusion's 1000 timesteps, evenly spaced: 999, 999 - 1000 / steps, ...

    The last before clean is `1000 / steps - 1`, where a solver of 8 steps ends at 124.
    """
    schedule = Discrete.scaled_linear()
    start, end = (schedule(t).nsr for t in (999, max(1000 / max(steps, 1) - 1, 0)))
    return Grid(steps, schedule, start=start, end=min(end, start / 2), spacing="time")


def flow_grid(steps: int, shift: float = 1.0) -> Grid:
    """Euler's even steps of a flow's time from (nearly) 1 to 0, with its shift."""
    schedule = Flow(shift)
    end = schedule(1 / max(steps, 2)).nsr
    return Grid(steps, schedule, start=1000.0, end=end, spacing="time")
