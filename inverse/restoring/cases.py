"""From photograph to problem to the problem of its samples: the one way, for every app.

All streams come from `seed_for(seed, name, ...)` of a picture's name, so that the same picture,
operator and seed are the same measurement and the same samples wherever they are asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from inverse.images import load_measurement
from inverse.restoring.reading import crop_to_multiple, photograph, photographs
from operators import Noise, Operator, Problem, Rng, measure, multiple_of, seed_for

Build = Callable[[tuple[int, ...]], Operator]


@dataclass(frozen=True, eq=False)
class Case:
    """What was measured of pictures of one size, to be restored. The truth is not in it.

    Attributes:
        problem: of B pictures. names: of each; their seeds come from it. seed: of the whole.
    """

    problem: Problem
    names: Sequence[str]
    seed: int

    def samples(self, count: int, device: torch.device | str) -> tuple[Problem, list[int]]:
        """The problem of `count` samples of each picture, on the device, and their seeds."""
        keys = [(name, "sample", k) for name in self.names for k in range(count)]
        seeds = [seed_for(self.seed, *key) for key in keys]
        return self.problem.repeat(count).to(device), seeds


def simulated(
    build: Build, noise: Noise, names: Sequence[str], images: Tensor, seed: int
) -> tuple[Tensor, Case]:
    """Photographs (B, 3, H, W), cropped to a size that the operator takes, and their case.

    Measured where the images lie, best on the CPU: then it depends on no other device.

    Args:
        build: makes the operator for an image shape (C, H, W).

    Raises:
        ImageError: for images smaller than what the operator asks for. Whatever `build` raises.
    """
    images = crop_to_multiple(images, multiple_of(build))
    rng = Rng([seed_for(seed, name, "measurement") for name in names])
    problem = measure(build(tuple(images.shape[1:])), noise, images, rng)
    return images, Case(problem, names, seed)


def simulations(
    build: Build, noise: Noise, source: str, size: int | None, seed: int
) -> dict[str, Callable[[], tuple[Tensor, Case]]]:
    """Every photograph that a source names and its case, made when they are called for.

    Made, they are as from `simulated`, (1, 3, H, W).

    Raises:
        FileNotFoundError, ImageError: as `photographs`.
    """

    def made(name: str, file: str) -> tuple[Tensor, Case]:
        return simulated(build, noise, [name], photograph(file, size)[None], seed)

    return {name: partial(made, name, file) for name, file in photographs(source).items()}


def measured(
    build: Build, noise: Noise, path: str | Path, shape: Sequence[int] | None, seed: int
) -> tuple[None, Case]:
    """The case of a measurement in a file, whose truth nobody knows; as `load_measurement`."""
    operator, y = load_measurement(path, build, shape)
    return None, Case(Problem(operator, noise, y), [Path(path).stem], seed)
