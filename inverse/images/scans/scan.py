"""What a file holds: stored numbers, their units and range, and a way to put in others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

Limits = tuple[float, float]  # the values of black and white
VALUES = "values"  # what is given for the least and the largest value of a file


class ImageError(ValueError):
    """An image cannot be read, written or used; the message is one line and names the mend."""


@dataclass(frozen=True, eq=False)
class Scan:
    """The pages of a file: `value = slope * stored + intercept`, in the file's units.

    Attributes:
        stored: (N, C, H, W) in the file's type: N pages (slices, frames), C channels; complex
            numbers are two, the real and the imaginary part.
        limits: the values of black and white where type or header tell them, else None.
        told: by what. blank: the stored number that stands for no value, if there is one.
        encode: the bytes of the file at a path, with other numbers (N, C, h, w) of that type in
            its place, each of whose pixels is 1 / zoom as wide as before.
        kind: which module of this folder has read it.
    """

    stored: np.ndarray
    limits: Limits | None
    told: str
    encode: Callable[[np.ndarray, int, Path], bytes]
    slope: float = 1.0
    intercept: float = 0.0
    blank: float | None = None
    kind: str = ""

    def values(self, page: int) -> np.ndarray:
        """One page in the file's units, (C, H, W) float64, NaN where it has no value."""
        stored = self.stored[page]
        values = stored.astype(np.float64)  # in place from here on: a page may be large
        values *= self.slope
        values += self.intercept
        return values if self.blank is None else np.where(stored == self.blank, np.nan, values)

    def range(self, given: Sequence[float] | str | None) -> tuple[Limits, str]:
        """The values of black and white: as given, or as type or header tell; and which of them.

        Args:
            given: two numbers, or "values": the least and the largest value of all pages.

        Raises:
            ImageError: for none where neither tells, or what is no range.
        """
        if given is None and self.limits is not None:
            return self.limits, self.told
        low, high = self.extent
        if given is None:
            raise ImageError(
                f"{self.stored.dtype} values from {low:g} to {high:g} have no agreed range; give "
                f"that of black and white, as range=[{low:g},{high:g}]"
            )
        if isinstance(given, str) and given != VALUES:
            raise ImageError(f"range must be two numbers, as [0,4095], or values, got {given!r}")
        limits = (low, high) if isinstance(given, str) else tuple(given)
        if len(limits) != 2 or not np.isfinite(limits).all() or limits[0] == limits[1]:
            raise ImageError(f"range must be two finite, different numbers, got {list(limits)}")
        return limits, "all values" if isinstance(given, str) else "as given"

    @cached_property
    def extent(self) -> Limits:
        """The least and the largest value of all pages; (NaN, NaN) where there is none."""
        with np.errstate(invalid="ignore"):
            pages = [self.values(page) for page in range(len(self.stored))]
        finite = [page[np.isfinite(page)] for page in pages]
        ends = [end for page in finite if page.size for end in (page.min(), page.max())]
        return (float(min(ends)), float(max(ends))) if ends else (np.nan, np.nan)

    def told_of(self, given: Sequence[float] | str | None) -> str:
        """The range in words, and what a noise level of ours is in the file's units."""
        (low, high), by = self.range(given)
        few, many = self.extent
        return (
            f"black is {low:g} and white {high:g} ({by}), its values are {few:g} to {many:g}; "
            f"a sigma of 0.1 is {abs(high - low) / 20:g}"
        )

    def unit(self, page: int, limits: Limits) -> Tensor:
        """One page as (C, H, W) float32, 0 at black and 1 at white."""
        low, high = limits
        values = self.values(page)
        values -= low
        values /= high - low
        return torch.from_numpy(np.ascontiguousarray(values, np.float32))

    def numbers(self, images: Sequence[Tensor], limits: Limits) -> np.ndarray:
        """Images (C, h, w) as stored numbers (N, C, h, w), whole ones rounded to the nearest.

        What lies beyond the type's own range is cut off there.
        """
        low, high = limits
        kind, pages = self.stored.dtype, []
        for x in images:
            stored = x.detach().cpu().numpy().astype(np.float64)
            stored += 1
            stored *= (high - low) / 2
            stored += low
            stored -= self.intercept
            stored /= self.slope
            if kind.kind in "iub":
                ends = (0, 1) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
                np.rint(stored, out=stored).clip(*ends, out=stored)
            pages.append(stored.astype(kind))
        return np.stack(pages)


def type_limits(kind: np.dtype, bits: int | None = None) -> Limits | None:
    """The least and the largest number of a type where pictures use them all.

    That is so of bits and of unsigned numbers of 16 bits or fewer; None for all others.
    """
    if kind.kind == "b":
        return 0.0, 1.0
    whole = 8 * kind.itemsize
    return (0.0, 2.0 ** (bits or whole) - 1) if kind.kind == "u" and whole <= 16 else None


def told_by(kind: np.dtype) -> str:
    """Which type `type_limits` are of."""
    return f"its type {kind}"
