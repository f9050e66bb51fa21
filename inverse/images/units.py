"""The numbers of an instrument as values of y: its units, its calibration frames, its gaps."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inverse.images import scans
from inverse.images.scans import ImageError, Scan
from operators import Inpaint, LinearOperator, Operator
from operators.core.arrays import is_array, load_array
from operators.solve import largest_eigenvalue

SHARE = "the share of light"
BEYOND = 20  # times what an image can give: no noise that leaves anything to restore is so large
PRODUCTS = 5


class Exposure(NamedTuple):
    """Calibration frames: `(value - dark) / (flat - dark)`, the share of light that came through.

    Attributes:
        dark: file of the frame without light, None for 0; flat: with nothing in the way, None for
            1. The pages of a stack are averaged; arrays are stretched over the measurement's axes.
        absorbed: minus the logarithm of it, the line integrals of tomography.
    """

    dark: str | None = None
    flat: str | None = None
    absorbed: bool = False

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """What was measured, corrected; NaN where no light came or could come.

        Raises:
            ImageError: for frames of another size.
        """
        dark, flat = _frame(self.dark, 0.0), _frame(self.flat, 1.0)
        try:
            with np.errstate(all="ignore"):
                share = (values.astype(np.float64) - dark) / (flat - dark)
                share = -np.log(share) if self.absorbed else share
        except ValueError as error:
            raise ImageError(f"dark and flat do not fit the measurement ({error})") from error
        return np.where(np.isfinite(share), share, np.nan)

    def of_page(self, scan: Scan, page: int) -> Scan:
        """One page of a file corrected, the range [0, 1]; alone."""
        share = self(scan.values(page))[None]
        return replace(
            scan, stored=share, slope=1, intercept=0, blank=None, limits=(0, 1), told=SHARE
        )


def is_pile(path: str | Path) -> bool:
    """Whether a file holds arrays of numbers that need be no picture's."""
    return is_array(path) and scans.kind_of(path) in (None, "arrays")


def _frame(path: str | None, without: float) -> np.ndarray:
    if path is None:
        return np.asarray(without)
    if is_pile(path):
        return load_array(path).astype(np.float64)
    scan = scans.read_scan(path)
    return np.mean([scan.values(page) for page in range(len(scan.stored))], 0)


def in_units(
    path: str | Path, operator: Operator, y: Tensor, range: Sequence[float] | str
) -> Tensor:
    """What an image in [-1, 1] gives, of y = A x for x in a range of its own."""
    if isinstance(range, str) or len(range) != 2 or not isinstance(operator, LinearOperator):
        raise ValueError(
            f"measurement {path}: range must be that of the image, [low,high], of a linear operator"
        )
    low, high = range
    middle = torch.full((1, *operator.in_shape), (low + high) / 2).to(operator.anchor)
    return (y.to(operator.anchor) - operator(middle)[0]) * (2 / (high - low))


def seen(path: str | Path, operator: Operator, y: Tensor) -> tuple[Operator, Tensor]:
    """The operator of those values that are there: NaN is not measured."""
    lost = y.isnan() & (operator.support(torch.ones_like(y)) > 0)
    count = int(lost.sum())
    if not count:
        return operator, y
    if y.ndim != 4 or count == y.numel():
        raise ValueError(f"measurement {path}: {count} of its {y.numel()} values are NaN")
    whole = Inpaint(operator.out_shape, ~lost[0].cpu()).to(y) @ operator
    said = f"{path}: {count} values are NaN, and not measured"
    return whole.read_as(f"{operator.reading}; {said}".lstrip("; ")), y


def within_reach(path: str | Path, y: Tensor, operator: LinearOperator) -> None:
    """Refuse values far above ||A|| sqrt(n), which no image of n values in [-1, 1] gives.

    For what is far above, a few products with the image that y points to tell ||A|| well enough.
    """
    there = operator.support(y.to(operator.anchor)[None])
    gain = largest_eigenvalue(operator.gram, operator.adjoint(there), PRODUCTS).sqrt()
    if float(there.norm()) > BEYOND * float(gain) * math.prod(operator.in_shape) ** 0.5:
        raise ValueError(
            f"measurement {path}: values up to {float(y.abs().max()):g} are too large for an image "
            "in [-1, 1]; write a picture's levels 0 to 255 as y / 127.5 - 1"
        )
