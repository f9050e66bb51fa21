"""Small exact cases: a Gaussian prior in float64 and a dense linear measurement of it."""

import torch
from torch import Tensor

from inverse.denoise import Evaluation, Score
from inverse.priors import GaussianPrior
from operators import DenseGaussian, Problem, Rng, gaussian

SHAPE = (1, 2, 4)
DIM = 8


def covariance(dim: int = DIM, seed: int = 0) -> Tensor:
    """A well-conditioned covariance with eigenvalues in [0.3, 1.5]."""
    generator = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(dim, dim, generator=generator, dtype=torch.float64))
    return basis @ torch.diag(torch.linspace(0.3, 1.5, dim, dtype=torch.float64)) @ basis.T


def gaussian_prior(dtype: torch.dtype = torch.float64) -> GaussianPrior:
    mean = torch.linspace(-0.5, 0.5, DIM, dtype=torch.float64)
    return GaussianPrior(SHAPE, mean.to(dtype), covariance()).to(dtype)


def dense_problem(sigma: float = 0.3, batch: int = 1) -> tuple[Problem, Tensor]:
    """A problem of 4 measurements in float64, repeated ``batch`` times, and its matrix."""
    operator = DenseGaussian(SHAPE, 4, seed=1).to(torch.float64)
    truth = torch.linspace(-1, 1, DIM, dtype=torch.float64).view(1, *SHAPE)
    noise = gaussian(sigma).to(truth)
    y = noise.sample(operator(truth), Rng([7])).expand(batch, *operator.out_shape).contiguous()
    matrix = operator(torch.eye(DIM, dtype=torch.float64).view(DIM, *SHAPE)).flatten(1).T
    return Problem(operator, noise, y), matrix


class Rng64(Rng):
    """Draws in float64."""

    def normal(self, shape, dtype=torch.float64):
        return super().normal(shape, dtype)


class Joint(Rng64):
    """All of a batch from one stream: fast, for statistics over thousands of samples."""

    def __init__(self, count: int, seed: int = 0) -> None:
        super().__init__([seed])
        self.count = count

    def __len__(self) -> int:
        return self.count

    def normal(self, shape, dtype=torch.float64):
        return torch.randn(shape, generator=self._generators[0], dtype=dtype)


class Exact(Score):
    """The exact likelihood score under a Gaussian prior, through the denoiser's Jacobian."""

    def __init__(self, prior: GaussianPrior, matrix: Tensor) -> None:
        self.prior, self.matrix = prior, matrix

    def __call__(self, ev: Evaluation) -> Tensor:
        level, values = ev.level, self.prior.values
        gain = level.sigma**2 / (level.alpha**2 * values + level.sigma**2) * values
        cov = (self.prior.vectors * gain) @ self.prior.vectors.T
        noise = ev.problem.sigma**2 * torch.eye(len(self.matrix), dtype=torch.float64)
        inner = self.matrix @ cov @ self.matrix.T + noise
        rest = ev.problem.residual(ev.estimate.x0).flatten(1)
        v = torch.linalg.solve(inner, rest.T).T @ self.matrix
        return ev.pullback(v.view_as(ev.x))


class Means(torch.nn.Module):
    """Features of pictures: the mean of each channel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float().mean(dim=(2, 3))
