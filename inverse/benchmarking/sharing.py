"""Which share of the work is this process's, from the variables its launcher set."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Share(NamedTuple):
    """Every `world`-th item from the `rank`-th on: nothing twice, nothing padded."""

    rank: int = 0
    world: int = 1

    def of(self, items: Sequence[T]) -> Sequence[T]:
        return items[self.rank :: self.world]


def share(environment: Mapping[str, str] = os.environ) -> Share:
    """The share under torchrun (RANK, WORLD_SIZE) or in a Slurm array; else all of it.

    Raises:
        ValueError: for a rank that is not below the world's size, or only one of the two.
    """
    if "RANK" in environment or "WORLD_SIZE" in environment:
        names = ("RANK", "WORLD_SIZE")
        if not all(name in environment for name in names):
            raise ValueError("set both RANK and WORLD_SIZE, as torchrun does, or neither")
        found = Share(*(int(environment[name]) for name in names))
    elif "SLURM_ARRAY_TASK_ID" in environment:
        task, first, step, count = (
            int(environment.get(f"SLURM_ARRAY_TASK_{name}", default))
            for name, default in (("ID", 0), ("MIN", 0), ("STEP", 1), ("COUNT", 1))
        )
        found = Share((task - first) // step, count)
    else:
        return Share()
    if not 0 <= found.rank < found.world:
        raise ValueError(f"rank must be from 0 to {found.world - 1}, got {found.rank}")
    return found
