"""Noise models: how y scatters about A(x)."""

from operators.noise.gaussian import Gaussian, gaussian
from operators.noise.impulse import SaltAndPepper, salt_and_pepper
from operators.noise.laplace import Laplace, laplace
from operators.noise.law import Noise
from operators.noise.poisson import Poisson, poisson, poisson_gaussian
from operators.noise.uniform import Uniform, uniform

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
