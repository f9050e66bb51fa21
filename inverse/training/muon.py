"""Steps along orthogonal matrices, for the convolutions of a network."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Gradient descent whose steps are orthogonal matrices.

    `W <- W - rate 0.2 sqrt(max(m, n)) O` with O the orthogonal part of the momentum's step.

    Kernels are matrices (out, in * height * width) = (m, n). The factor makes the root mean square
    of a step that of Adam's, so that one rate serves both. O by five Newton-Schulz iterations, as
    released: singular values end between 0.7 and 1.2. torch's own `Muon` takes matrices only.

    References: Jordan et al., 2024, "Muon: an optimizer for hidden layers in neural networks"; Liu
    et al., 2025, arXiv:2502.16982, eq. 4 (the factor).
    """

    def __init__(self, kernels: Iterable[Tensor], rate: float, momentum: float = 0.95) -> None:
        super().__init__(list(kernels), {"lr": rate, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step along the gradients; kernels without one stay."""
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is None:
                    continue
                state = self.state[kernel]
                if not state:
                    state["mean"] = torch.zeros_like(kernel)
                mean = state["mean"].mul_(group["momentum"]).add_(kernel.grad)
                way = orthogonal(kernel.grad.add(mean, alpha=group["momentum"]).flatten(1))
                size = group["lr"] * 0.2 * max(way.shape) ** 0.5
                kernel.add_(way.view_as(kernel), alpha=-size)


def orthogonal(matrix: Tensor, iterations: int = 5) -> Tensor:
    """Nearly `U V^T` of a matrix `U S V^T`, by Newton-Schulz iterations.

    `X <- P X`, `P = a I + b G + c G^2` of `G = X X^T`. All P commute with G, so that only their
    product meets the matrix: `G <- P G P` on the short side, a fifth of the work.
    """
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp_min(1e-7)
    gram, product, eye = x @ x.T, None, torch.eye(len(x), dtype=x.dtype, device=x.device)
    for _ in range(iterations):
        p = a * eye + b * gram + c * gram @ gram
        product = p if product is None else p @ product
        gram = p @ gram @ p
    x = x if product is None else product @ x
    return x.T if tall else x


def optimisers(network: nn.Module, rate: float, muon: bool, fused: bool) -> list:
    """Adam for all of a network; or Muon for its inner convolutions and Adam for the rest.

    Inner ones have more than 24 channels on both sides and a kernel of more than one pixel.
    """
    parameters = list(network.parameters())
    inner = [p for p in parameters if muon and _is_inner(p)]
    rest = [p for p in parameters if not (muon and _is_inner(p))]
    adam = torch.optim.Adam(rest, rate, betas=(0.9, 0.99), fused=fused)
    return [Muon(inner, rate), adam] if inner else [adam]


def _is_inner(parameter: Tensor) -> bool:
    """Whether it is the kernel of an inner convolution."""
    return parameter.ndim == 4 and parameter[0, 0].numel() > 1 and min(parameter.shape[:2]) > 24
