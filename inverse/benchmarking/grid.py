"""The grid of a benchmark and its units of work, each named by the hash of what it depends on."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import nn

from inverse.benchmarking.columns import Row
from inverse.benchmarking.commands import override
from inverse.benchmarking.pictures import Picture


@dataclass(frozen=True)
class Part:
    """One choice of an axis: an operator, a noise, a solver or a prior.

    Attributes:
        label: as tables show it. config: plain values that say what it is, hashes of the files
            it reads among them. overrides: of `inverse restore`, that choose it there.
        make: builds it, from the grid's seed and what else its kind takes.
    """

    label: str
    config: Mapping[str, Any]
    overrides: tuple[str, ...] = ()
    make: Callable[..., Any] = field(repr=False, default=lambda *arguments: None)


@dataclass(frozen=True, eq=False)
class Cell:
    """One point of the grid, for every picture.

    Attributes:
        settings: what all cells share and results depend on: samples, budget, conventions.
    """

    operator: Part
    noise: Part
    solver: Part
    prior: Part
    seed: int
    settings: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        """The hash of all of it."""
        parts = (self.operator, self.noise, self.solver, self.prior)
        return digest([*(part.config for part in parts), self.seed, self.settings])

    @cached_property
    def labels(self) -> Row:
        """What a row says of it."""
        found: Row = {"operator": self.operator.label, "noise": self.noise.label}
        found |= {"solver": self.solver.label, "prior": self.prior.label}
        return found | {"seed": self.seed, "config": self.key[:16]}


@dataclass(frozen=True, eq=False)
class Unit:
    """The restoration of one picture in one cell, all its samples: what is done or not done."""

    cell: Cell
    picture: Picture

    @cached_property
    def key(self) -> str:
        """The hash of everything that its rows depend on, but for the program itself."""
        return digest([self.cell.key, self.picture.name, self.picture.digest])

    @property
    def command(self) -> str:
        """The `inverse restore` command that makes the same restoration."""
        cell, settings = self.cell, self.cell.settings
        values = {"image": self.picture.source, "seed": cell.seed, "size": settings["size"]}
        values |= {"samples": settings["samples"]}
        values |= {f"budget.{k}": v for k, v in settings["budget"].items() if v is not None}
        parts = (cell.operator, cell.noise, cell.solver, cell.prior)
        words = [override(key, value) for key, value in values.items()]
        return " ".join(["inverse restore", *words, *(o for p in parts for o in p.overrides)])


def list_units(cells: Iterable[Cell], pictures: Sequence[Picture]) -> list[Unit]:
    """Every cell on every picture; the pictures of a cell stand together."""
    return [Unit(cell, picture) for cell in cells for picture in pictures]


def expand(
    axes: Mapping[str, Sequence[Part]], seeds: Sequence[int], settings: Mapping[str, Any]
) -> Iterator[Cell]:
    """The cells of the product of all axes; the prior, dear to load, changes last."""
    names = ("prior", "operator", "noise", "solver")
    for chosen in product(*(axes[name] for name in names)):
        for seed in seeds:
            yield Cell(**dict(zip(names, chosen, strict=True)), seed=seed, settings=settings)


def digest(value: Any) -> str:
    """SHA-256 of plain values, the same for the same values in any order of keys."""
    return sha256(json.dumps(value, sort_keys=True, default=dict).encode()).hexdigest()


def file_digests(config: Mapping[str, Any]) -> dict[str, str]:
    """The hash of every file that a configuration names: its content counts, not its path."""
    named = {key: Path(value) for key, value in config.items() if isinstance(value, str)}
    files = {key: path for key, path in named.items() if path.is_file()}
    return {key: sha256(path.read_bytes()).hexdigest() for key, path in files.items()}


def weights_digest(network: nn.Module) -> str:
    """The hash of a network's parameters and buffers, wherever they came from."""
    found = sha256()
    for name, value in sorted(network.state_dict().items()):
        found.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        found.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()
