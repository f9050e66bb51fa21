"""Restoration without learning: biharmonic, Wiener, Richardson-Lucy, bicubic, total variation.

Each is a function problem -> x, (B, 3, H, W) in [-1, 1]. Its constants are meant for noise of
0.05 and were chosen by `tune.py`, on images that no result is reported on.
"""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from operators import Blur, Downsample, Inpaint, LinearOperator, Problem

Kind = TypeVar("Kind", bound=LinearOperator)


def biharmonic(problem: Problem, *, weight: float = 0.0) -> Tensor:
    """Fill the lost pixels by the biharmonic equation, then smooth by total variation.

    The fill interpolates the noise too; `weight` is that of scikit-image's denoise_tv_chambolle
    on the filled image, in [-1, 1] units; 0 leaves it out.
    Raises: TypeError unless the operator is Inpaint; the mask is that of the first channel.

    Reference: Damelin and Hoang, 2018, doi:10.1155/2018/3950312 (skimage inpaint_biharmonic);
    Chambolle, 2004, doi:10.1023/B:JMIV.0000011325.36760.1e.
    """
    from skimage.restoration import denoise_tv_chambolle, inpaint_biharmonic

    lost = _linear(problem, Inpaint).mask[:, 0].expand(len(problem.y), -1, -1) == 0
    filled = []
    for y, hole in zip(_arrays(problem.y), lost.cpu().numpy(), strict=True):
        x = inpaint_biharmonic(y, hole, channel_axis=2)
        filled.append(denoise_tv_chambolle(x, weight, channel_axis=2) if weight else x)
    return _tensor(filled, problem.y)


def wiener(problem: Problem, *, balance: float = 0.04) -> Tensor:
    """scikit-image's Wiener filter: h* y / (|h|² + balance |l|²) with l the Laplacian, by FFT.

    Raises: TypeError unless the operator is Blur.

    Reference: Orieux, Giovannelli and Rodet, 2010, doi:10.1364/JOSAA.27.001593.
    """
    from skimage.restoration import wiener as skimage_wiener

    operator = _linear(problem, Blur)
    _, height, width = operator.in_shape
    spike = problem.y.new_zeros(problem.y.shape)
    spike[..., height // 2, width // 2] = 1
    kernels = _arrays(operator(spike))
    restored = [np.empty_like(k) for k in kernels]
    for x, y, k in zip(restored, _arrays(problem.y), kernels, strict=True):
        for c in range(x.shape[2]):
            x[..., c] = skimage_wiener(y[..., c], k[..., c], balance, clip=False)
    return _tensor(restored, problem.y)


def richardson_lucy(problem: Problem, *, iterations: int = 40) -> Tensor:
    """x <- x · Aᵀ(y / A x) on [0, 1], from y; stopping early is its only regularisation.

    Written with the operator's own circular blur: scikit-image's blurs with zeros around the
    image, which rings at every border here. For kernels that sum to one.
    Raises: TypeError unless the operator is Blur.

    Reference: Richardson, 1972, doi:10.1364/JOSA.62.000055; Lucy, 1974, doi:10.1086/111605.
    """
    operator = _linear(problem, Blur)
    y = ((problem.y + 1) / 2).clamp_min(1e-3)
    x = y
    for _ in range(iterations):
        x = x * operator.adjoint(y / operator(x).clamp_min(1e-3))
    return 2 * x - 1


def bicubic(problem: Problem) -> Tensor:
    """Bicubic enlargement to the size of the image (a = -0.75, pixel centres aligned).

    Raises: TypeError unless the operator is Downsample.
    """
    operator = _linear(problem, Downsample)
    return interpolate(problem.y, size=operator.in_shape[1:], mode="bicubic", align_corners=False)


def tv(problem: Problem, *, weight: float, iterations: int = 300, tau: float = 8.0) -> Tensor:
    """argmin_x ½‖A x − y‖² + weight · Σ_pixels |∇x|, colour gradients taken together.

    Primal-dual steps from x = (Aᵀ A + 0.1 I)⁻¹ Aᵀ y, p = 0, with s = 1/(8 τ):
    p <- project(p + s ∇x̄) onto |p| <= weight at each pixel; x <- prox of the data at
    x + τ div p, the operator's own with λ = 1/τ; x̄ <- 2 x_new − x.
    With τ = 8, 300 steps bring the objective within 0.1 % of its value after 1000.

    Reference: Chambolle and Pock, 2011, doi:10.1007/s10851-010-0251-1, Alg. 1.
    """
    operator, y = _linear(problem, LinearOperator), problem.y
    x = bar = operator.gram_solve(operator.adjoint(y), 0.1)
    p = torch.zeros_like(_gradient(x))
    for _ in range(iterations):
        p = p + _gradient(bar) / (8 * tau)
        p = p / (p.square().sum(dim=(0, 2), keepdim=True).sqrt() / weight).clamp_min(1)
        new = operator.prox(x + tau * _divergence(p), y, 1 / tau)
        x, bar = new, 2 * new - x
    return x


def _gradient(x: Tensor) -> Tensor:
    """Forward differences, zero at the far border: (B, C, H, W) -> (2, B, C, H, W)."""
    return torch.stack([pad(x.diff(dim=2), (0, 0, 0, 1)), pad(x.diff(dim=3), (0, 1))])


def _divergence(p: Tensor) -> Tensor:
    """Minus the adjoint of `_gradient`: (2, B, C, H, W) -> (B, C, H, W)."""
    down, right = p[0, :, :, :-1], p[1, :, :, :, :-1]
    return pad(down, (0, 0, 1, 1)).diff(dim=2) + pad(right, (1, 1)).diff(dim=3)


def _linear(problem: Problem, kind: type[Kind]) -> Kind:
    if not isinstance(problem.operator, kind):
        raise TypeError(f"baseline: needs a {kind.__name__} operator, got {problem.operator!r}")
    return problem.operator


def _arrays(x: Tensor) -> list[np.ndarray]:
    """(B, C, H, W) -> B arrays (H, W, C) in float64, which scikit-image works in."""
    return list(x.double().permute(0, 2, 3, 1).cpu().numpy())


def _tensor(images: list[np.ndarray], like: Tensor) -> Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).to(like).contiguous()
