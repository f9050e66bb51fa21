"""azula's solvers. Its images are in any range, ours; its states are flat here, as its linear
solvers take the last dimension for the vector's."""

import torch
from azula.denoise import Denoiser, DiracPosterior  # pyright: ignore[reportMissingImports]
from azula.guidance import (  # pyright: ignore[reportMissingImports]
    DiffPIRDenoiser,
    DPSSampler,
    MMPSDenoiser,
    PGDMSampler,
)
from azula.linalg.covariance import IsotropicCovariance  # pyright: ignore[reportMissingImports]
from azula.noise import VPSchedule  # pyright: ignore[reportMissingImports]
from azula.sample import DDIMSampler  # pyright: ignore[reportMissingImports]
from torch import Tensor

from benchmarks.peers.peer import Denoise, Method
from inverse.levels import Level
from operators import LinearOperator, Problem


class Ours(Denoiser):
    """Our prior as azula's denoiser of flat images."""

    def __init__(self, denoise: Denoise, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.denoise, self.shape, self.schedule = denoise, shape, VPSchedule()

    def forward(self, x_t: Tensor, t: Tensor, **options: object) -> DiracPosterior:
        level = Level(*(float(v) for v in self.schedule(t)))
        return DiracPosterior(self.denoise(x_t.reshape(1, *self.shape), level).reshape(1, -1))


class Flat:
    """A problem between flat vectors (1, n) and (1, m)."""

    def __init__(self, denoise: Denoise, problem: Problem) -> None:
        self.operator, self.shape = problem.operator, problem.operator.in_shape
        self.denoiser, self.y = Ours(denoise, self.shape), problem.y.reshape(1, -1)
        self.variance = float(problem.sigma) ** 2

    def measure(self, x: Tensor) -> Tensor:
        return self.operator(x.reshape(1, *self.shape)).reshape(1, -1)

    def invert(self, y: Tensor) -> Tensor:
        assert isinstance(self.operator, LinearOperator)
        return self.operator.pinv(y.reshape(1, *self.operator.out_shape)).reshape(1, -1)

    def run(self, sampler: DDIMSampler | DPSSampler | PGDMSampler) -> Tensor:
        start = sampler.init((1, torch.Size(self.shape).numel()), device=self.y.device)
        return sampler(start).reshape(1, *self.shape)


def dps(steps: int) -> Method:
    def method(denoise: Denoise, problem: Problem) -> Tensor:
        it = Flat(denoise, problem)
        return it.run(DPSSampler(it.denoiser, it.y, it.measure, steps=steps, silent=True))

    return method


def pigdm(steps: int) -> Method:
    def method(denoise: Denoise, problem: Problem) -> Tensor:
        it = Flat(denoise, problem)
        parts = it.denoiser, it.y, it.measure, it.invert
        return it.run(PGDMSampler(*parts, eta=1.0, steps=steps, silent=True))

    return method


def diffpir(steps: int) -> Method:
    def method(denoise: Denoise, problem: Problem) -> Tensor:
        it = Flat(denoise, problem)
        guided = DiffPIRDenoiser(it.denoiser, it.y, it.measure, it.variance)
        return it.run(DDIMSampler(guided, eta=1.0, steps=steps, silent=True))

    return method


def mmps(steps: int) -> Method:
    def method(denoise: Denoise, problem: Problem) -> Tensor:
        it = Flat(denoise, problem)
        cov = IsotropicCovariance(it.variance)
        guided = MMPSDenoiser(it.denoiser, it.y, it.measure, cov)
        return it.run(DDIMSampler(guided, eta=1.0, steps=steps, silent=True))

    return method
