"""The processes that train together: this one alone, or those that accelerate launched."""

import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Sampler


class Alone:
    """One process."""

    rank, size = 0, 1
    every = 1  # steps between two looks at the clock

    def __init__(self, device: str) -> None:
        self.device = device

    def join(self, loss: nn.Module) -> nn.Module:
        """The loss, its gradients those of all processes."""
        return loss

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a number over the processes, without a wait for the device."""
        return value

    def agreed(self, seconds: float) -> float:
        """The mean of their seconds."""
        return seconds

    def wait(self) -> None:
        """Go on when all have come here."""


class Together:
    """The processes of `accelerate launch` or `torchrun`: one per GPU, or on the CPU.

    They agree on the seconds spent, for which each must wait, every 20 steps only.

    Raises:
        ImportError: without accelerate.
    """

    every = 20

    def __init__(self, device: str) -> None:
        try:
            from accelerate import Accelerator  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise ImportError(
                "training in several processes needs accelerate: "
                "pip install 'anytime-inverse[distributed]'"
            ) from error
        # autocast is the prior's own business
        self.accelerator: Any = Accelerator(cpu=device == "cpu", mixed_precision="no")
        self.device = str(self.accelerator.device)
        self.rank, self.size = self.accelerator.process_index, self.accelerator.num_processes

    def join(self, loss: nn.Module) -> nn.Module:
        return self.accelerator.prepare_model(loss)

    def mean(self, value: Tensor) -> Tensor:
        return self.accelerator.reduce(value, "mean")

    def agreed(self, seconds: float) -> float:
        return float(self.mean(torch.tensor(seconds, dtype=torch.float64).to(self.device)))

    def wait(self) -> None:
        self.accelerator.wait_for_everyone()


Team = Alone | Together


def gather(device: str) -> Team:
    """`Together` where a launcher says (WORLD_SIZE) that there are others, else `Alone`."""
    return Together(device) if int(os.environ.get("WORLD_SIZE", "1")) > 1 else Alone(device)


class Shares(Sampler[list[int]]):
    """The patches of one process, step by step: its equal part of the batch of all.

    What a step is trained on does not depend on how many processes share it.

    Raises:
        ValueError: for a batch that cannot be shared equally.
    """

    def __init__(self, first: int, steps: int, batch: int, team: Team) -> None:
        if batch % team.size:
            raise ValueError(
                f"recipe.batch={batch} cannot be shared equally among {team.size} processes"
            )
        self.first, self.steps, self.batch = first, steps, batch
        self.own = share(batch, team)

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.steps):
            yield [step * self.batch + k for k in self.own]


def share(batch: int, team: Team) -> range:
    """The places in the batch of all that are this process's."""
    part = batch // team.size
    return range(part * team.rank, part * (team.rank + 1))
