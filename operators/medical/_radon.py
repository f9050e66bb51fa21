"""Computed tomography: line integrals through the image."""

import math
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from operators.core.arrays import existing
from operators.core.linear import LinearOperator
from operators.core.operator import Shape, as_shape
from operators.solve import paired

Lines = tuple[Tensor, Tensor, Tensor]  # for rows of a sparse matrix: bounds, columns, weights

with warnings.catch_warnings():  # torch says once that these are beta
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor([0, 0], [], [], (1, 1))


class Radon(LinearOperator):
    """Projects each channel along parallel beams: (C, H, W) -> (C, angles, detectors). By CG.

    `y_at` is the integral of x along the line `u cos(theta_a) + v sin(theta_a) = t`, with u to the
    right, v upwards and the origin in the middle of the image, for detectors t one pixel apart
    about 0. The line is followed row by row (column by column where it is flatter than 45 degrees),
    and in a row x is interpolated linearly (Joseph's method). A sparse matrix, kept with its
    transpose, which is the exact adjoint: about 2 H W weights an angle, 8 bytes each in A and in
    `A^T` in float32.

    Many small singular values: `A^+` amplifies noise, and CG needs many steps for it (and warns).
    Solvers that weigh y by its noise, through `prox` with lam > 0, are better off.

    Args:
        angles: theta in degrees.
        detectors: how many; by default enough for the image's diagonal.
        pixel: length of a pixel's side; by default 1 / max(H, W), so that y is in the image's range
            (`skimage.transform.radon` takes 1).

    Raises:
        ValueError: for no angles, NaN among them, or pixel <= 0.

    Reference: Joseph, 1982, doi:10.1109/TMI.1982.4307572.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        angles: Sequence[float] | Tensor,
        detectors: int | None = None,
        pixel: float | None = None,
    ) -> None:
        channels, height, width = as_shape("Radon", "image_shape", image_shape, rank=3)
        theta = torch.as_tensor(angles, dtype=torch.float64).detach().cpu()
        if theta.ndim != 1 or not len(theta) or not bool(theta.isfinite().all()):
            raise ValueError(f"Radon: angles must be one or more finite degrees, got {angles}")
        self.pixel = 1 / max(height, width) if pixel is None else float(pixel)
        if not 0 < self.pixel < math.inf:
            raise ValueError(f"Radon: pixel must be a positive length, got {pixel}")
        detectors = math.ceil(math.hypot(height, width)) if detectors is None else detectors
        (detectors,) = as_shape("Radon", "detectors", [detectors])
        super().__init__((channels, height, width), (channels, len(theta), detectors))
        self.angles = theta.tolist()
        self._build()

    def _build(self) -> None:
        """The weights in float64, so that a change of dtype is exact, then in ours."""
        parts = [joseph(theta, self.in_shape[1:], self.out_shape[2]) for theta in self.angles]
        counts, pixels, weights = (torch.cat(part) for part in zip(*parts, strict=True))
        order = pixels.argsort(stable=True)
        lines = torch.arange(len(counts)).repeat_interleave(counts)[order]
        hits = torch.bincount(pixels, minlength=math.prod(self.in_shape[1:]))
        self._project = self._rows(counts, pixels, weights)
        self._backproject = self._rows(hits, lines, weights[order])

    def _rows(self, counts: Tensor, columns: Tensor, weights: Tensor) -> Lines:
        ends, device = counts.cumsum(0), self.anchor.device
        bounds = torch.cat([ends.new_zeros(1), ends]).to(device, torch.int32)
        weights = (weights * self.pixel).to(self.anchor)
        return bounds, columns.to(device, torch.int32), weights

    def _refresh(self) -> None:
        super()._refresh()
        self._build()

    def _forward(self, x: Tensor) -> Tensor:
        return paired(self._sums, self._spread, x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return paired(self._spread, self._sums, y)

    def _sums(self, x: Tensor) -> Tensor:
        return _times(self._project, x, self.out_shape)

    def _spread(self, y: Tensor) -> Tensor:
        return _times(self._backproject, y, self.in_shape)


def _times(rows: Lines, x: Tensor, shape: Shape) -> Tensor:
    """Sparse times dense, all images of a batch the columns: `(B, C, ...) -> (B, *shape)`."""
    if not len(x):
        return x.new_empty(0, *shape)
    bounds, columns, weights = rows
    images = x.flatten(2).flatten(0, 1)
    if len(images) == 1 and x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64):
        size = len(bounds) - 1, images.shape[1]  # twice as fast as a bag of one column
        matrix = torch.sparse_csr_tensor(bounds, columns, weights, size, check_invariants=False)
        return (matrix @ images[0]).view(-1, *shape)
    # A clone, as contiguous() leaves a single column the strides of a row, which is 3 times slower.
    flat = images.mT.clone(memory_format=torch.contiguous_format)
    sums = embedding_bag(
        columns, flat, bounds, mode="sum", per_sample_weights=weights, include_last_offset=True
    )
    return sums.mT.contiguous().view(-1, *shape)


def joseph(angle: float, sides: Sequence[int], detectors: int) -> tuple[Tensor, Tensor, Tensor]:
    """The lines of one projection: weights a line, and the pixels and weights of one after another.

    Pixels are counted in row-major order; their side is 1. float64.
    """
    height, width = sides
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    t = (torch.arange(detectors, dtype=torch.float64) - (detectors - 1) / 2)[:, None]
    row, column = torch.arange(height), torch.arange(width)
    if abs(c) >= abs(s):
        v = (height - 1) / 2 - row.double()
        place, n, base, stride = (t - v * s) / c + (width - 1) / 2, width, row * width, 1
    else:
        u = column.double() - (width - 1) / 2
        place, n, base, stride = (height - 1) / 2 - (t - u * c) / s, height, column, width
    low = place.floor()
    near = torch.stack([low, low + 1], -1)
    weights = (1 - (place[..., None] - near).abs()) / max(abs(c), abs(s))
    inside = (near >= 0) & (near < n) & (weights > 0)
    pixels = base[:, None] + near.long() * stride
    return inside.sum((1, 2)), pixels[inside], weights[inside]


def radon(
    image_shape: Sequence[int],
    angles: int | Sequence[float] | str = 60,
    detectors: int | None = None,
    pixel: float | None = None,
) -> Radon:
    """Computed tomography, see `Radon`.

    Args:
        angles: how many, evenly over 180 degrees; the angles in degrees; or a text file of them.
        pixel: the length of a pixel's side, as 0.1 where x is in 1 / mm and y without unit.

    Raises:
        FileNotFoundError: for a file that is not there.
        ValueError: as `Radon`, and for a file that holds no numbers.
    """
    if isinstance(angles, str):
        angles = _numbers(angles)
    if isinstance(angles, int):
        (count,) = as_shape("Radon", "angles", [angles])
        angles = [180 * i / count for i in range(count)]
    return Radon(image_shape, angles, detectors, pixel)


def _numbers(path: str) -> list[float]:
    import numpy as np

    try:
        return np.loadtxt(existing(path), ndmin=1).ravel().tolist()
    except ValueError as error:
        raise ValueError(f"Radon: {path} must hold angles in degrees ({error})") from error
