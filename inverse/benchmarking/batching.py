"""Pictures of one size, a batch at a time, read as they are needed."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from inverse.benchmarking.grid import Unit
from inverse.benchmarking.restoring import error_text


class Batch(NamedTuple):
    """Units of one cell and their pictures, (B, 3, H, W)."""

    units: list[Unit]
    images: Tensor


class Unreadable(NamedTuple):
    """A unit whose picture cannot be read, and why."""

    unit: Unit
    error: str


def batches(units: Iterable[Unit], size: int | None, count: int) -> Iterator[Batch | Unreadable]:
    """The units in batches of at most `count`, each of one picture size.

    Args:
        size: as of `Picture.load`.
    """
    waiting: dict[tuple[int, ...], list[tuple[Unit, Tensor]]] = {}
    for unit in units:
        try:
            image = unit.picture.load(size)
        except Exception as error:
            yield Unreadable(unit, error_text(error))
            continue
        group = waiting.setdefault(tuple(image.shape), [])
        group.append((unit, image))
        if len(group) == count:
            yield _batch(waiting.pop(tuple(image.shape)))
    yield from map(_batch, waiting.values())


def _batch(group: list[tuple[Unit, Tensor]]) -> Batch:
    units, images = zip(*group, strict=True)
    return Batch(list(units), torch.stack(images))
