"""Compositing: a picture seen through another, and planes seen over one another."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from operators.core.diagonal import Diagonal
from operators.core.files import read_array
from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator


class Multiplane(SpectralOperator):
    """Composites D planes, seen from the front, into one picture.

    `y = sum_d w_d x_d`: (D * C, H, W) -> (C, H, W), with `w_d = a_d prod_{e < d} (1 - a_e)` of the
    opacities a ("over" compositing): plane 0 is in front; channel d * C + c of x is channel c of
    plane d. `A A^T = diag(sum_d w_d^2)`, so every solve is a closed form; where all planes are
    clear nothing is measured.

    Args:
        alphas: a, (D, H, W), or one set per sample (B, D, H, W), in [0, 1].

    Raises:
        ValueError: for another size, channels that D does not divide, values outside, or zeros
            only.

    Reference: Porter and Duff, 1984, doi:10.1145/964965.808606; Zhou et al., 2018,
    doi:10.1145/3197517.3201323 (multiplane images).
    """

    weights: Tensor
    rows: Tensor

    def __init__(self, image_shape: Sequence[int], alphas: Tensor) -> None:
        shape = as_shape("Multiplane", "image_shape", image_shape, rank=3)
        alphas = fractions("Multiplane", alphas)
        full = alphas[None] if alphas.ndim == 3 else alphas
        fits = full.ndim == 4 and full.shape[1] and full.shape[2:] == shape[1:]
        if not fits or shape[0] % full.shape[1]:
            raise ValueError(
                f"Multiplane: alphas must be (D, H, W) or (B, D, H, W) for planes {shape}, with D "
                f"a divisor of the channels, got {tuple(alphas.shape)}"
            )
        before = (1 - full[:, :-1]).cumprod(1)
        weights = full * torch.cat([torch.ones_like(full[:, :1]), before], 1)
        s, several = weights.square().sum(1, keepdim=True).sqrt(), full.shape[0] != 1
        channels = shape[0] // full.shape[1]
        counts = channels * (s > 0).sum((1, 2, 3))
        if not bool(counts.all()):
            raise ValueError("Multiplane: alphas are 0 everywhere; nothing would be measured")
        out = (channels, *shape[1:])
        super().__init__(shape, out, s, v_complete=False, per_sample=several)
        self.constant("weights", weights.unsqueeze(2), several)
        self.constant("rows", torch.where(s > 0, weights / s, 0.0).unsqueeze(2), several)
        self.count(counts)

    def support(self, y: Tensor) -> Tensor:
        return torch.where(self.s > 0, y, 0.0)

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = u

    def v(self, z: Tensor) -> Tensor:
        return (z[:, None] * self.rows).flatten(1, 2)

    def vt(self, x: Tensor) -> Tensor:
        return self._sum(self.rows, x)

    def _plus_v(self, x: Tensor, z: Tensor) -> Tensor:
        return torch.addcmul(self._planes(x), self.rows, z[:, None]).flatten(1, 2)

    def _forward(self, x: Tensor) -> Tensor:
        return self._sum(self.weights, x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return (y[:, None] * self.weights).flatten(1, 2)

    def _planes(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (-1, self.out_shape[0]))

    def _sum(self, weights: Tensor, x: Tensor) -> Tensor:
        """The sum of `weights_d x_d`, one plane after another: without D products in memory."""
        total = torch.zeros((), dtype=x.dtype, device=x.device)
        for weight, plane in zip(weights.unbind(1), self._planes(x).unbind(1), strict=True):
            total = torch.addcmul(total, weight, plane)
        return total


def fractions(name: str, alpha: Tensor | float) -> Tensor:
    """The opacities alpha in float64 on the CPU.

    Raises:
        ValueError: naming the operator, for values outside of [0, 1].
    """
    alpha = torch.as_tensor(alpha).detach().to("cpu", torch.float64)
    if not bool(((alpha >= 0) & (alpha <= 1)).all()):  # also catches NaN
        raise ValueError(f"{name}: alpha must be in [0, 1]")
    return alpha


def multiplane(image_shape: Sequence[int], alphas: Sequence[float]) -> Multiplane:
    """Planes (D * C, H, W) of one opacity each, the front one first, composited to (C, H, W)."""
    sides = as_shape("Multiplane", "image_shape", image_shape, rank=3)[1:]
    values = torch.tensor([float(alpha) for alpha in alphas], dtype=torch.float64)
    return Multiplane(image_shape, values.view(-1, 1, 1).expand(-1, *sides))


def alpha_blend(
    image_shape: Sequence[int], alpha: float | str | Path | Tensor = 0.5, key: str | None = None
) -> Diagonal:
    """Keeps what shows through a semi-transparent layer, the linear part of a blend.

    `y = a x` of the blend `a x + (1 - a) background`. A blend over a known background is affine:
    take the background off the data, `y = blend - (1 - a) background`, and every linear solver
    applies, with the same noise. Where a = 0 nothing is measured.

    Args:
        alpha: a, a number, a tensor (H, W), (1|C, H, W) or one per sample (B, 1|C, H, W), or a file
            of the image's size (white = 1).
        key: which array of an .npz.

    Raises:
        FileNotFoundError: for a file that is not there.
        ValueError: for another size, values outside of [0, 1], or zeros only.
    """
    shape = as_shape("alpha_blend", "image_shape", image_shape, rank=3)
    given = read_array(alpha, key) if isinstance(alpha, (str, Path)) else alpha
    full = fractions("alpha_blend", given)
    full = full.expand(shape[1:]) if full.ndim == 0 else full
    full = full.reshape(*[1] * (4 - full.ndim), *full.shape) if full.ndim < 4 else full
    if full.shape[2:] != shape[1:]:
        raise ValueError(
            f"alpha_blend: alpha must be (H, W), (1|C, H, W) or (B, 1|C, H, W) for the image "
            f"{shape}, got {tuple(full.shape)}"
        )
    return Diagonal(shape, full)
