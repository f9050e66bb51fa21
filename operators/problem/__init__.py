"""A measurement: operator, noise and data."""

from operators.problem.noise._poisson import Poisson, poisson, poisson_gaussian
from operators.problem.noise.additive import Gaussian, Laplace, Uniform, gaussian, laplace, uniform
from operators.problem.noise.impulse import SaltAndPepper, salt_and_pepper
from operators.problem.noise.law import Noise
from operators.problem.problem import Problem, measure

__all__ = [
    "Gaussian",
    "Laplace",
    "Noise",
    "Poisson",
    "Problem",
    "SaltAndPepper",
    "Uniform",
    "gaussian",
    "laplace",
    "measure",
    "poisson",
    "poisson_gaussian",
    "salt_and_pepper",
    "uniform",
]
