"""What an actor of a cluster does, and the portions it is given; free of Ray."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import torch

from inverse.benchmarking.engine import Engine
from inverse.benchmarking.grid import Cell, Unit
from inverse.benchmarking.pictures import Picture
from inverse.benchmarking.rows import Row


class Worker:
    """The actor: an engine and the cells of the grid, kept from batch to batch."""

    def __init__(self, work: tuple[Engine, list[Cell]], folder: str, threads: int) -> None:
        os.chdir(folder)
        torch.set_num_threads(threads)
        self.engine, self.cells = work

    def ready(self) -> None:
        """Returns once the actor is up."""

    def run(self, cell: int, pictures: Sequence[Picture]) -> list[Row]:
        """The rows of a cell's pictures, stored."""
        units = [Unit(self.cells[cell], picture) for picture in pictures]
        return [row for rows in self.engine.run(units) for row in rows]


def chunks(units: Iterable[Unit], count: int) -> Iterator[list[Unit]]:
    """The units in lists of one cell each, of at most ``count``."""
    for _, group in groupby(units, lambda unit: unit.cell):
        mine = list(group)
        yield from (mine[first : first + count] for first in range(0, len(mine), count))
