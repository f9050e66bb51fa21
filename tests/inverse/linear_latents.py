"""Latents of a linear autoencoder with a Gaussian prior: every posterior is known."""

import torch

from inverse.denoise import Prior
from inverse.priors import GaussianPrior
from operators import DenseGaussian, Problem, gaussian
from tests.inverse.cases import DIM, SHAPE, Joint, Rng64, covariance
from tests.inverse.latent_cases import LinearAutoencoder

IMAGE = (1, 3, 4)
COUNT = 4000


class Latents(Prior):
    """The Gaussian prior of tests.inverse.cases, on latents of a linear autoencoder."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        mean = torch.linspace(-0.5, 0.5, DIM, dtype=torch.float64)
        self.gaussian = GaussianPrior(SHAPE, mean, covariance()).double()
        self.autoencoder = LinearAutoencoder(SHAPE, IMAGE, scale)

        self.encode, self.decode = self.autoencoder.encode, self.autoencoder.decode

    def denoise(self, x, level):
        return self.gaussian.denoise(x, level)


def setting(batch=COUNT, scale=1.0, sigma=0.3, operator=None):
    """The prior, a problem of its images, the matrix A D, and the exact posterior of z."""
    prior = Latents(scale)
    operator = operator or DenseGaussian(IMAGE, 4, seed=1).to(torch.float64)
    truth = prior.autoencoder.decode(torch.linspace(-1, 1, DIM).double().view(1, *SHAPE))
    clean = operator(truth)  # measured by hand: recorded biases are of this very draw
    y = clean + sigma * Rng64([7]).normal(clean.shape)
    problem = Problem(operator, gaussian(sigma), y.expand(batch, *y.shape[1:]).contiguous())
    seen = prior.autoencoder.through(problem)
    matrix = seen.operator(torch.eye(DIM).double().view(DIM, *SHAPE)).flatten(1).T
    mean, cov = prior.gaussian.posterior(matrix, y.flatten(1), max(sigma, 1e-3))
    return prior, problem, matrix, mean[0], cov


def latents(prior, x):
    return prior.autoencoder.encode(x).flatten(1)


def final(sampler, problem, rng=None):
    return list(sampler.iterate(problem, rng or Joint(len(problem))))[-1].x0
