"""Plug-and-play half-quadratic splitting with a denoiser of known noise level."""

from collections.abc import Callable

from torch import Tensor

from operators import LinearOperator, Problem

Denoise = Callable[[Tensor, float], Tensor]
FIRST_LEVEL = 2 * 49 / 255  # DPIR's 49/255, in [-1, 1] units
LAMBDA = 0.23


def pnp_hqs(
    problem: Problem,
    denoise: Denoise,
    start: Callable[[Problem], Tensor],
    *,
    iterations: int = 24,
    first: float = FIRST_LEVEL,
    last: float = 1.0,
    lam: float = LAMBDA,
) -> Tensor:
    """Turns of a data step and a denoising step while the level falls: (B, 3, H, W).

    With K levels σ_k spaced evenly in log σ from `first` to `last`·σ_y and z_0 = start(problem):
    x_k = argmin_x ‖A x − y‖² + α_k ‖x − z_{k−1}‖², α_k = λ σ_y²/σ_k²;  z_k = denoise(x_k, σ_k).
    Every A is served by its exact prox. σ_y must be one float above 0.

    Reference: Zhang et al., 2021, arXiv:2008.13751 (DPIR), Alg. 1; it has λ = 0.23, 49/255, K = 8
    or 24, and another network (DRUNet). Restored images are not turned or flipped between turns.
    """
    operator, y, sigma = problem.operator, problem.y, problem.sigma
    if not isinstance(operator, LinearOperator) or not isinstance(sigma, float) or sigma <= 0:
        raise TypeError(f"pnp_hqs: needs a linear operator and one σ_y > 0, got {operator!r}")
    z = start(problem)
    for k in range(iterations):
        level = first * (last * sigma / first) ** (k / max(1, iterations - 1))
        x = operator.prox(z, y, lam * sigma**2 / level**2)
        z = denoise(x, level)
    return z
