"""A linear restoration that knows no more of images than their spectrum."""

import torch
from torch import Tensor

from inverse.denoise.linear import linear_operator, noise_variance
from operators import Problem, SpectralOperator
from operators.core import fft
from operators.solve import cg, column


def wiener(problem: Problem, iterations: int = 50, floor: float = 0.02) -> Tensor:
    """The linear posterior mean under a stationary prior with a natural image's spectrum.

    `w = S B^T (B B^T + sigma_y^2 I)^{-1} y`, `B = A S`, where S^2 is the circular convolution
    with power spectrum proportional to `1 / (f^2 + f_0^2)` (f_0 one cycle per image) and total
    variance 1/4 per pixel, by conjugate gradients on the image side; where A is unitary, in closed
    form, `S^2 / (S^2 + sigma_y^2) A^T y`. It interpolates, deblurs and upsamples linearly; sharp
    detail is left to the prior.

    Args:
        iterations: of conjugate gradients at most (they stop at a relative residual of 1e-3).
        floor: smallest noise standard deviation assumed, for the sake of conditioning.

    Reference: Field, 1987, doi:10.1364/JOSAA.4.002379 (the spectrum of natural images).
    """
    operator = linear_operator(problem, "WienerStart")
    root = _root_spectrum(operator.in_shape, problem.y)
    variance = noise_variance(problem, floor)
    if isinstance(operator, SpectralOperator) and operator.unitary:
        x, power = operator.adjoint(problem.y), root**2
        return _filtered(x, power / (power + column(variance, x)))

    def normal(z: Tensor) -> Tensor:
        return _filtered(operator.gram(_filtered(z, root)), root).add_(column(variance, z) * z)

    def right() -> Tensor:  # without a name of its own: an image may be large, and cg lets it go
        return _filtered(operator.adjoint(problem.y), root)

    found = cg(normal, right(), tol=1e-3, max_iter=iterations, partial=True)
    return _filtered(found, root)


def natural(noise: Tensor) -> Tensor:
    """White noise (B, C, H, W) of variance 1 as noise with a natural image's spectrum, `S n`.

    S as in `wiener`: the power spectrum falls as that of photographs, the variance is 1/4.
    """
    return _filtered(noise, _root_spectrum(noise.shape[1:], noise))


def _filtered(x: Tensor, root: Tensor) -> Tensor:
    return fft.irfft2(fft.rfft2(x).mul_(root), x.shape[-2:])


def _root_spectrum(shape: tuple[int, ...], like: Tensor) -> Tensor:
    height, width = shape[-2:]
    down = torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    across = torch.fft.rfftfreq(width, dtype=torch.float64)
    power = 1 / (down**2 + across**2 + max(height, width) ** -2)
    twice = torch.full_like(across, 2.0)  # rfft keeps one of each conjugate pair
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    mean = (power * twice).sum() / (height * width)
    return (0.25 * power / mean).sqrt().to(like)
