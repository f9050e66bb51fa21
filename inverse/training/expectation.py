"""The E-step: every observation completed by a draw of x0 given it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inverse.denoise import Prior, transformed
from inverse.denoise.spectra import radius, restored
from inverse.images import save_image
from inverse.priors import GaussianPrior
from inverse.samplers import Sampler
from inverse.solving import solve
from inverse.training.data import ImageSource
from inverse.training.observed import Observations, device_of
from operators import Problem, Rng, gaussian, inpaint_random, measure, seed_for

Solver = Callable[[Any], Sampler]
"""A sampler over a prior, of the kind that it takes."""
NARROW, WIDE = 0.95, 1.1
"""Between these ratios of variance a sampler may draw for EM."""


def spread_ratios(solver: Solver, draws: int = 512) -> Tensor:
    """How much a solver's draws vary, as shares of what draws from the exact posterior do.

    The variance over `draws` of one measurement along the posterior's principal directions, (4,):
    the mean over each quarter of them, from the narrowest to the widest. On an exact Gaussian prior
    of 8 x 8 pixels, with the spectrum of photographs and all symmetries of the square, half of
    whose values are lost, the others with noise of 0.1. To two percent.
    """
    shape, sigma = (1, 8, 8), 0.1
    one = torch.eye(64).view(64, *shape)
    power = 0.002 / (radius(shape).float() ** 2 + 0.05**2)
    cov = restored(transformed(one) * power, shape).flatten(1)
    prior = GaussianPrior(shape, torch.zeros(64), cov)
    operator = inpaint_random(shape, keep=0.5, seed=0)
    truth = prior.vectors @ (prior.values.sqrt() * Rng([0]).normal((1, 64))[0])
    problem = measure(operator, gaussian(sigma), truth.view(1, *shape), Rng([1]))
    seeds = [seed_for(2, "spread", k) for k in range(draws)]
    x0 = solve(solver(prior), problem.repeat(draws), Rng(seeds)).x0
    kept = operator.mask.flatten() > 0
    _, exact = prior.posterior(torch.eye(64)[kept], problem.y.flatten(1)[:, kept], sigma)
    values, vectors = torch.linalg.eigh(exact)
    return ((x0.flatten(1) @ vectors).var(0) / values).view(4, -1).mean(1)


class Expectation:
    """Completes every observation by a draw of x0 given it, by a solver over the prior.

    The draw of observation n in lap k depends on `(seed, k, n)` alone. Draws that vary too little
    sharpen the prior from lap to lap and too much blur it, so that a solver any of whose
    `spread_ratios` is outside [0.95, 1.1] is refused.

    Args:
        solver: prior -> sampler. batch: how many are completed at once.

    Raises:
        ValueError: for a solver that draws too narrowly or too widely.
    """

    def __init__(self, solver: Solver, seed: int = 0, batch: int = 64) -> None:
        ratios = spread_ratios(solver)
        if not NARROW <= float(ratios.min()) <= float(ratios.max()) <= WIDE:
            said = ", ".join(f"{ratio:.2f}" for ratio in ratios)
            raise ValueError(
                f"this solver's draws have {said} of the variance of exact ones (from narrow to "
                f"wide directions), and laps need {NARROW} to {WIDE}; take solver=uneven_fine"
            )
        self.solver, self.seed, self.batch = solver, seed, batch

    def __call__(self, prior: Prior, problem: Problem, lap: int, first: int = 0) -> Tensor:
        """Completed pictures (B, C, H, W) of the observations from number `first` on."""
        numbers = range(first, first + len(problem))
        rng = Rng([seed_for(self.seed, "lap", lap, n) for n in numbers], problem.y.device)
        return solve(self.solver(prior), problem, rng).x0

    def images(
        self, prior: Prior, observations: Observations, lap: int, folder: Path
    ) -> ImageSource:
        """The completed pictures as files in a folder; those that are there are not drawn again.

        As those of any picture, their values are cut to [-1, 1] and rounded to 8 bits.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for first, problem in observations.batches(self.batch):
            files = [folder / f"{n:06}.png" for n in range(first, first + len(problem))]
            if not all(file.is_file() for file in files):
                x0 = self(prior, problem.to(device_of(prior)), lap, first)
                for picture, file in zip(x0.cpu(), files, strict=True):
                    save_image(picture, file)
        return ImageSource(folder)
