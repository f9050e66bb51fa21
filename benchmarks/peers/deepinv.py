"""deepinv's solvers (extra `interop`). Its images are in [0, 1] and its noise in those units.

A linear A of ours measures them as ``y01 = (y + A 1) / 2``, with half the noise.
"""

import torch
from deepinv.models import Denoiser  # pyright: ignore[reportMissingImports]
from deepinv.optim import L2  # pyright: ignore[reportMissingImports]
from deepinv.physics import GaussianNoise  # pyright: ignore[reportMissingImports]
from deepinv.sampling import DPS, DiffPIR  # pyright: ignore[reportMissingImports]
from torch import Tensor

from benchmarks.peers.peer import Denoise, Method
from inverse.levels import Level
from operators import Problem, interop


class Ours(Denoiser):
    """Our prior as deepinv's denoiser of images in [0, 1]."""

    def __init__(self, denoise: Denoise) -> None:
        super().__init__()
        self.denoise = denoise

    def forward(self, x: Tensor, sigma: Tensor | float, *args: object, **options: object) -> Tensor:
        level = Level(1.0, 2 * float(torch.as_tensor(sigma).flatten()[0]))
        return (self.denoise(2 * x.float() - 1, level) + 1) / 2


def _measured(problem: Problem) -> tuple[Tensor, interop.Any, float]:
    """The measurement of the image in [0, 1], its physics and its noise."""
    ones = problem.y.new_ones(1, *problem.operator.in_shape)
    y, sigma = (problem.y + problem.operator(ones)) / 2, float(problem.sigma) / 2
    physics = interop.as_deepinv(problem.operator)
    physics.set_noise_model(GaussianNoise(sigma))
    return y, physics, sigma


def diffpir(steps: int) -> Method:
    def method(denoise: Denoise, problem: Problem) -> Tensor:
        y, physics, sigma = _measured(problem)
        device = str(y.device)
        solver = DiffPIR(Ours(denoise), L2(), sigma=sigma, max_iter=steps, device=device)
        return 2 * solver(y, physics) - 1

    return method


def dps(steps: int) -> Method:
    """With the annealed guidance: that of the norm, the default, hardly moves a small image in few
    steps (the residual stays at 7 σ in our test's task)."""

    def method(denoise: Denoise, problem: Problem) -> Tensor:
        y, physics, _ = _measured(problem)
        solver = DPS(Ours(denoise), num_steps=steps + 1, guidance="annealed", device=y.device)
        return 2 * solver(y, physics) - 1

    return method
