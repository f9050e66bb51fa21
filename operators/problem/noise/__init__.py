"""Noise models: how y scatters about A(x)."""

from operators.problem.noise._poisson import Poisson, poisson, poisson_gaussian
from operators.problem.noise.additive import Gaussian, Laplace, Uniform, gaussian, laplace, uniform
from operators.problem.noise.impulse import SaltAndPepper, salt_and_pepper
from operators.problem.noise.law import Noise

__all__ = [
    "Gaussian",
    "Laplace",
    "Noise",
    "Poisson",
    "SaltAndPepper",
    "Uniform",
    "gaussian",
    "laplace",
    "poisson",
    "poisson_gaussian",
    "salt_and_pepper",
    "uniform",
]
