"""From photograph to problem to the problem of its samples: the one way, for every app.

All streams come from `seed_for(seed, name, ...)` of a picture's name, so that the same picture,
operator and seed are the same measurement and the same samples wherever they are asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from inverse.images import ImageError, load_measurement
from inverse.restoring.reading import Place, Range, Reading, crop_to_multiple, photograph
from operators import Noise, Operator, Problem, Rng, measure, multiple_of, seed_for

USUAL = Reading()
Build = Callable[[tuple[int, ...]], Operator]


@dataclass(frozen=True, eq=False)
class Case:
    """What was measured of pictures of one size, to be restored. The truth is not in it.

    Attributes:
        problem: of B pictures. names: of each; their seeds come from it. seed: of the whole.
        reading: how the file was read, in words; empty where there is nothing to tell.
    """

    problem: Problem
    names: Sequence[str]
    seed: int
    reading: str = ""

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
    build: Build,
    noise: Noise,
    places: Mapping[str, Place],
    size: int | None,
    seed: int,
    reading: Reading = USUAL,
) -> dict[str, Callable[[], tuple[Tensor, Case]]]:
    """Every photograph of `photographs` and its case, made when they are called for.

    Made, they are as from `simulated`, (1, C, H, W).
    """

    def made(name: str, place: Place) -> tuple[Tensor, Case]:
        x = photograph(place, size, place.channels(reading.channels), reading.range)[None]
        truth, case = simulated(build, noise, [name], x, seed)
        return truth, replace(case, reading=place.told(reading))

    return {name: partial(made, name, place) for name, place in places.items()}


def measurements(
    build: Build,
    noise: Noise,
    places: Mapping[str, Place],
    shape: Sequence[int] | None,
    seed: int,
    reading: Reading = USUAL,
    truths: Mapping[str, Place] | None = None,
) -> dict[str, Callable[[], tuple[Tensor | None, Case]]]:
    """Every measurement and its case, made when they are called for; as `load_measurement`.

    Args:
        truths: what each is scored against, by name; None: nobody knows.
    """

    def made(name: str, place: Place) -> tuple[Tensor | None, Case]:
        source, page = place
        operator, y = load_measurement(
            source,
            build,
            shape,
            channels=place.channels(reading.channels),
            range=reading.range,
            page=page,
            key=reading.key,
            exposure=reading.exposure,
        )
        case = Case(Problem(operator, noise, y), [name], seed, place.told(reading))
        if truths is None:
            return None, case
        return truth_of(operator, truths[name], reading.range)[None], case

    return {name: partial(made, name, place) for name, place in places.items()}


def truth_of(operator: Operator, place: Place, range: Range = None) -> Tensor:
    """The picture behind a measurement, (C, H, W), for its scores.

    Raises:
        ImageError: for one of another size than the operator's image.
    """
    x = photograph(place, None, operator.in_shape[0], range)
    if tuple(x.shape) != operator.in_shape:
        raise ImageError(
            f"truth {place.source}: is {tuple(x.shape)}, the image behind the measurement is "
            f"{operator.in_shape}"
        )
    return x
