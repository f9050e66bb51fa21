"""Inpainting: some pixels are measured, the others are not."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from operators.core.diagonal import Diagonal, multiplied
from operators.core.linear import LinearOperator
from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator
from operators.masks import reading
from operators.masks import shapes as masks
from operators.solve import column


class Inpaint(SpectralOperator):
    """Keeps the pixels of a mask: y has the image's shape, with zeros where nothing was measured.

    `y = mask * x`. `measured` counts the kept values, and `support(y)` puts zeros (over NaN too)
    where y is no measurement.

    Args:
        image_shape: (C, H, W).
        mask: (H, W), (1, H, W), (C, H, W), or one per sample (B, 1|C, H, W); True or 1 = kept (in
            bytes 255 too), nothing between.

    Raises:
        ValueError: for a mask of another size, not binary, or keeping nothing of a sample.
    """

    pointwise = True

    def __init__(self, image_shape: Sequence[int], mask: Tensor) -> None:
        shape = as_shape("Inpaint", "image_shape", image_shape, rank=3)
        mask = masks.binary("Inpaint", mask)
        full = mask.reshape(*[1] * (4 - mask.ndim), *mask.shape) if mask.ndim in (2, 3) else mask
        if full.ndim != 4 or full.shape[1] not in (1, shape[0]) or full.shape[2:] != shape[1:]:
            raise ValueError(
                f"Inpaint: mask must be (H, W), (1|C, H, W) or (B, 1|C, H, W) for the image "
                f"{shape}, got {tuple(mask.shape)}; resize the mask or the image"
            )
        counts = full.expand(-1, shape[0], -1, -1).sum((1, 2, 3))
        if full.shape[0] and bool((counts == 0).any()):
            raise ValueError("Inpaint: the mask keeps no pixel; nothing would be measured")
        super().__init__(shape, shape, full, per_sample=full.shape[0] != 1)
        self.count(counts)

    @property
    def mask(self) -> Tensor:
        """1 where kept, (1|B, 1|C, H, W), in the operator's dtype."""
        return self.s

    @property
    def entries(self) -> Tensor:
        """The mask in float64 on the CPU."""
        return self.spectrum

    def support(self, y: Tensor) -> Tensor:
        return torch.where(self.s > 0, y, 0.0)

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = v = vt = u

    def _forward(self, x: Tensor) -> Tensor:
        return x * self.s

    _adjoint = _gram = _pinv = _forward

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        return b / (self.s + column(lam, b))

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        if not isinstance(lam, Tensor) and lam == 0:
            return torch.lerp(x, y, self.s)
        return torch.lerp(x, y, self.s / (self.s + column(lam, x)))

    @property
    def T(self) -> LinearOperator:  # noqa: N802
        return self

    def _fused(self, inner: LinearOperator) -> LinearOperator | None:
        if not isinstance(inner, Inpaint | Diagonal):
            return None
        return multiplied(self, inner, Inpaint if isinstance(inner, Inpaint) else Diagonal)


def inpaint_random(
    image_shape: Sequence[int], keep: float = 0.3, seed: int = 0, channelwise: bool = False
) -> Inpaint:
    """Inpainting of random pixels; keep is the fraction kept. See `masks.random`."""
    return Inpaint(image_shape, masks.random(image_shape, keep, seed, channelwise))


def inpaint_box(
    image_shape: Sequence[int],
    height: int | None = None,
    width: int | None = None,
    top: int | None = None,
    left: int | None = None,
) -> Inpaint:
    """Inpainting of a box. See `masks.box`."""
    return Inpaint(image_shape, masks.box(image_shape, height, width, top, left))


def inpaint_half(image_shape: Sequence[int], side: str = "right") -> Inpaint:
    """Inpainting of half of the image. See `masks.half`."""
    return Inpaint(image_shape, masks.half(image_shape, side))


def inpaint_outpaint(
    image_shape: Sequence[int], height: int | None = None, width: int | None = None
) -> Inpaint:
    """Outpainting: only a box in the middle is measured. See `masks.outpaint`."""
    return Inpaint(image_shape, masks.outpaint(image_shape, height, width))


def inpaint_text(
    image_shape: Sequence[int],
    words: str = "the quick brown fox jumps over the lazy dog",
    size: int | None = None,
) -> Inpaint:
    """Inpainting under lines of text. See `masks.text`."""
    return Inpaint(image_shape, masks.text(image_shape, words, size))


def inpaint_brush(
    image_shape: Sequence[int], strokes: int = 4, thickness: float = 0.06, seed: int = 0
) -> Inpaint:
    """Inpainting of brush strokes. See `masks.brush`."""
    return Inpaint(image_shape, masks.brush(image_shape, strokes, thickness, seed))


def inpaint_file(
    image_shape: Sequence[int],
    mask: str | Path,
    key: str | None = None,
    invert: bool = False,
    resize: bool = False,
) -> Inpaint:
    """Inpainting with a mask from a file. See `masks.from_file`."""
    kept, said = reading.read(image_shape, mask, key, invert, resize)
    return Inpaint(image_shape, kept).read_as(said)
