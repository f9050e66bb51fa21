"""Products A B with a closed form of their own, though neither factor is unitary."""

from __future__ import annotations

import torch
from torch import Tensor

from operators.base import agreed
from operators.blur import Blur
from operators.closed import ScaledSpectral
from operators.decimate import Decimate
from operators.decimated import DecimatedBlur
from operators.diagonal import Diagonal
from operators.downsample import Downsample
from operators.inpaint import Inpaint
from operators.linear import LinearOperator
from operators.separable import Separable
from operators.spectral import SpectralOperator


def fuse(outer: LinearOperator, inner: LinearOperator) -> SpectralOperator | None:
    """A B in closed form, or None where none is known.

    Multiples: (c A)(d B) = c d A B. Masks and diagonals: their product. Block means or every f-th
    pixel of a circular blur: `DecimatedBlur`. Maps of rows and columns: (R ⊗ C)(S ⊗ D) = R S ⊗ C D.
    Raises ValueError where batch, dtype or device of the two differ.
    """
    agreed("composition", outer, inner)
    factor = 1.0
    while isinstance(outer, ScaledSpectral):
        outer, factor = outer.inner, factor * outer.factor
    while isinstance(inner, ScaledSpectral):
        inner, factor = inner.inner, factor * inner.factor
    made = _fuse(outer, inner)
    if made is None:
        return None
    made = made.to(outer.anchor)
    return made if factor == 1 else ScaledSpectral(made, factor)


def _fuse(outer: LinearOperator, inner: LinearOperator) -> SpectralOperator | None:
    shape = inner.in_shape
    if isinstance(outer, Diagonal | Inpaint) and isinstance(inner, Diagonal | Inpaint):
        entries = outer.entries * inner.entries
        if not bool(entries.flatten(1).any(1).all()):
            return None
        masks = isinstance(outer, Inpaint) and isinstance(inner, Inpaint)
        return (Inpaint if masks else Diagonal)(shape, entries)
    if isinstance(outer, Decimate | Downsample):
        if isinstance(inner, Blur):
            return DecimatedBlur(outer, inner)
        if isinstance(inner, Decimate | Downsample) and type(inner) is type(outer):
            return type(outer)(shape, outer.factor * inner.factor)
    left, right = _lines(outer), _lines(inner)
    if left is None or right is None:
        return None
    return Separable(shape, left[0] @ right[0], left[1] @ right[1])


def _lines(operator: LinearOperator) -> tuple[Tensor, Tensor] | None:
    """The matrices over rows and over columns, float64, of an operator that is made of two."""
    if isinstance(operator, Separable):
        return operator.factors
    if not isinstance(operator, Decimate | Downsample):
        return None
    factor, sides = operator.factor, operator.in_shape[1:]
    rows, columns = (torch.eye(n, dtype=torch.float64).unflatten(0, (-1, factor)) for n in sides)
    if isinstance(operator, Decimate):
        return rows[:, 0], columns[:, 0]
    return rows.mean(1), columns.mean(1)
