"""Images drawn given the data, where the error of an estimate has a known spectrum."""

import torch
from torch import Tensor

from inverse.denoise import linear_operator, noise_variance, restored, transformed
from inverse.samplers.blind.coordinates import coordinates, passed_on
from inverse.samplers.blind.evidence import contrasts
from operators import Problem, Rng
from operators.solve import cg, column


def drawn(problem: Problem, x0: Tensor, r2: Tensor, rng: Rng) -> Tensor:
    """An image per sample from `N(x0, c R) N(y; A x, sigma_y^2 I)`, of the likeliest contrasts c.

    Perturb and solve: `x + c R A^T (A c R A^T + sigma_y^2 I)^-1 (y + sigma_y n - A x)` with
    `x ~ N(x0, c R)`, by conjugate gradients, in coordinates in which
    a blur is solved at once.

    Args:
        x0, r2: as in `coordinates`.

    Reference: Orieux, Féron and Giovannelli, 2012, doi:10.1109/LSP.2012.2189104.
    """
    operator, variance = linear_operator(problem, "drawing"), noise_variance(problem)
    sigma = torch.as_tensor(variance).sqrt().cpu().double().expand(len(x0))
    c = contrasts(coordinates(problem, x0, r2), sigma, channels=problem.y.shape[1])
    c = c if c.shape[1] == x0.shape[1] else c.mean(1, keepdim=True)
    power = (c[:, :, None, None] * r2).to(x0)

    def spread(x: Tensor) -> Tensor:
        return restored(transformed(x) * power, operator.in_shape)

    root = passed_on(operator, c[:, :, None, None] * r2).clamp_min(0).to(x0) + column(variance, x0)
    root = root.sqrt()

    def eased(v: Tensor) -> Tensor:
        return restored(transformed(v) / root, operator.out_shape)

    def normal(v: Tensor) -> Tensor:
        v = eased(v)
        return eased(operator(spread(operator.adjoint(v))) + column(variance, v) * v)

    white = transformed(rng.normal(x0.shape, x0.dtype))
    x = x0 + restored(white * power.sqrt(), operator.in_shape)
    noise = rng.normal(problem.y.shape, x0.dtype) * column(variance, x0) ** 0.5
    rest = problem.y + operator.support(noise) - operator(x)
    solved = eased(cg(normal, eased(rest), tol=1e-3, max_iter=100, partial=True))
    return x + spread(operator.adjoint(solved))
