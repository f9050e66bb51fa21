"""Blur that differs from place to place."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from operators.blurs import kernels as shapes
from operators.blurs.borders import Border
from operators.core.linear import LinearOperator
from operators.core.operator import as_shape


class VaryingBlur(LinearOperator):
    """Blurs each pixel by its own mix of K kernels, the same for every channel.

    `y = sum_k w_k (h_k * xp)`, xp the padded image, * the convolution. Forward and adjoint are
    exact, by K transforms; solves are by conjugate gradients.

    Args:
        image_shape: (C, H, W).
        kernels: h, (K, h, w), or one set per sample (B, K, h, w), with odd sides not above H and W.
        weights: w, (K, H, W), or (B, K, H, W), any real numbers (those of `patches` and `rings` are
            not negative and sum to one at every pixel); with padding "valid" of the sides of y.
        padding: see `borders.Border`.

    Raises:
        ValueError: for shapes that do not fit, even sides, NaN or inf, another padding.

    Reference: Nagy and O'Leary, 1998, doi:10.1137/S106482759528507X.
    """

    transfer: Tensor
    weights: Tensor

    def __init__(
        self,
        image_shape: Sequence[int],
        kernels: Tensor,
        weights: Tensor,
        padding: str = "reflect",
    ) -> None:
        shape = as_shape("VaryingBlur", "image_shape", image_shape, rank=3)
        kernels = _four("kernels", kernels)
        weights = _four("weights", weights)
        count = kernels.shape[1]
        kernels = shapes.bank("VaryingBlur", kernels, (count, *shape[1:]))
        border = Border("VaryingBlur", padding, shape[1:], kernels.shape[2:])
        if weights.shape[1:] != (count, *border.out_sides) or not bool(weights.isfinite().all()):
            raise ValueError(
                f"VaryingBlur: weights must be finite and {(count, *border.out_sides)}, one map "
                f"for each of the {count} kernels, got {tuple(weights.shape[1:])}"
            )
        sizes = {len(kernels), len(weights)} - {1}
        if len(sizes) > 1:
            raise ValueError(f"VaryingBlur: kernels and weights for batches {sizes} do not mix")
        super().__init__(shape, (shape[0], *border.out_sides))
        self._border = border
        self.constant("transfer", border.transfer(kernels), per_sample=len(kernels) != 1)
        self.constant("weights", weights, per_sample=len(weights) != 1)

    def _forward(self, x: Tensor) -> Tensor:
        z = self._border.spectrum(x)
        total = torch.zeros((), dtype=x.dtype, device=x.device)
        for transfer, weight in self._terms():
            total = torch.addcmul(total, weight, self._border.measure(transfer * z))
        return total

    def _adjoint(self, y: Tensor) -> Tensor:
        total = torch.zeros((), dtype=self.transfer.dtype, device=y.device)
        for transfer, weight in self._terms():
            z = self._border.measure_t(weight * y)
            total = torch.addcmul(total, transfer.conj(), z)
        return self._border.spectrum_t(total)

    def _terms(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The transfer and the weight of each kernel, (1|B, 1, ...), to go with every channel."""
        return zip(self.transfer.split(1, 1), self.weights.split(1, 1), strict=True)


def _four(name: str, given: Tensor) -> Tensor:
    value = torch.as_tensor(given).detach().to("cpu", torch.float64)
    if value.ndim not in (3, 4):
        raise ValueError(
            f"VaryingBlur: {name} must be (K, h, w) or (B, K, h, w), got {tuple(value.shape)}"
        )
    return value if value.ndim == 4 else value[None]


def patches(image_shape: Sequence[int], grid: int = 3) -> Tensor:
    """Weights (grid^2, H, W) of kernels given on a grid x grid lattice, bilinear between them.

    Row by row; the lattice's outermost points are the image's corners.
    """
    _, height, width = as_shape("patches", "image_shape", image_shape, rank=3)
    (grid,) = as_shape("patches", "grid", [grid])
    down, across = (_hats(torch.linspace(0, 1, n).double(), grid) for n in (height, width))
    return (down[:, None, :, None] * across[None, :, None, :]).flatten(0, 1)


def rings(image_shape: Sequence[int], count: int = 5) -> Tensor:
    """Weights (count, H, W) of kernels from the image's middle (the first) to its corners."""
    _, height, width = as_shape("rings", "image_shape", image_shape, rank=3)
    (count,) = as_shape("rings", "count", [count])
    down, across = (torch.arange(n).double() - (n - 1) / 2 for n in (height, width))
    radius = torch.hypot(down[:, None], across[None, :])
    return _hats(radius / radius.max().clamp_min(1e-12), count)


def _hats(place: Tensor, count: int) -> Tensor:
    """The linear interpolation weights of count even nodes on [0, 1]: (...) -> (count, ...)."""
    nodes = torch.arange(count).double().view(-1, *[1] * place.ndim)
    return (1 - (place * (count - 1) - nodes).abs()).clamp_min(0)


def blur_varying(
    image_shape: Sequence[int],
    size: int = 25,
    grid: int = 3,
    seed: int = 0,
    padding: str = "reflect",
) -> VaryingBlur:
    """Camera shake that differs over the image: grid^2 motion kernels. See `kernels.motion`."""
    weights = patches(image_shape, grid)
    seeds = range(seed * grid**2, (seed + 1) * grid**2)
    several = torch.stack([shapes.motion(size, s) for s in seeds])
    return VaryingBlur(image_shape, several, weights, padding)


def blur_lens(
    image_shape: Sequence[int],
    size: int = 25,
    middle: float = 0.5,
    corner: float = 3.0,
    count: int = 5,
    padding: str = "reflect",
) -> VaryingBlur:
    """A lens: Gaussians whose std grows from `middle` to `corner` pixels along the radius."""
    weights = rings(image_shape, count)
    stds = torch.linspace(middle, corner, count).tolist()
    several = torch.stack([shapes.gaussian(size, std) for std in stds])
    return VaryingBlur(image_shape, several, weights, padding)
