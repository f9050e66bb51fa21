"""From a clip to its problems: frames as pictures, or windows of frames as clips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from inverse.images import ImageError, behind
from inverse.restoring.cases import Build, Case, simulated
from inverse.restoring.reading import crop_to_multiple
from operators import Noise, Operator, Problem, Temporal, framewise, multiple_of, seed_for

Mix = Callable[[tuple[int, ...]], Temporal]  # makes what mixes frames, for (C, T, H, W)


@dataclass(frozen=True, eq=False)
class Footage:
    """What was measured of a clip, to be restored. The truth is not in it.

    All streams come from names: frame t of the measurement is the picture NAME/t of a stack, so
    that it is the same however long the clip is.

    Attributes:
        name: of the clip. frames: the S frames measured, a picture each. time: what mixed T frames
            into the S pictures that were measured; None: nothing, `S = T`.
    """

    name: str
    frames: Case
    time: Temporal | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the clip, (C, T, H, W)."""
        channels, *sides = self.frames.problem.operator.in_shape
        count = len(self.frames.problem) if self.time is None else self.time.in_shape[1]
        return channels, count, *sides

    def pictures(
        self, first: int, last: int, device: torch.device | str
    ) -> tuple[Problem, list[int]]:
        """Some frames as pictures of their own, (last - first, C, H, W), and a seed for each."""
        case, part = self.frames, slice(first, last)
        return replace(case, problem=case.problem[part], names=case.names[part]).samples(1, device)

    def clip(self, first: int, last: int, device: torch.device | str) -> tuple[Problem, list[int]]:
        """Some frames as one clip, (1, C, last - first, H, W), and its seed, the same for all.

        Of the measurement it has what is of these frames alone.

        Raises:
            ValueError: where nothing is.
        """
        inner, noise, y = (getattr(self.frames.problem, k) for k in ("operator", "noise", "y"))
        mixed, rows = None, list(range(first, last))
        if self.time is not None:
            mixed, rows = self.time.window(first, last)
        operator: Operator = framewise(inner, len(rows))
        operator = operator if mixed is None else operator @ mixed
        problem = Problem(operator, noise, y[rows].movedim(0, 1)[None].contiguous())
        return problem.to(device), [seed_for(self.frames.seed, self.name, "sample", 0)]

    def check(self, windows: Sequence[tuple[int, int]]) -> None:
        """Raise ImageError where a part of the measurement is of no window of frames alone."""
        if self.time is None:
            return
        seen = {row for window in windows for row in self.time.window(*window)[1]}
        if lost := set(range(len(self.frames.problem))) - seen:
            support = self.time.exact("matrix")[min(lost)].nonzero().flatten()
            least = int(support[-1] - support[0]) + 1
            raise ImageError(
                f"overlap: frame {min(lost)} of the measurement is made of {least} frames, which "
                f"no window holds; take overlap={least - 1} or a longer window"
            )


def filmed(
    build: Build, mix: Mix | None, noise: Noise, name: str, clip: Tensor, seed: int
) -> tuple[Tensor, Footage]:
    """A clip (C, T, H, W), cropped to a size that the operator takes, and what is measured of it.

    Args:
        build: makes the operator of a frame, for (C, H, W). mix: what mixes frames before it.

    Raises:
        ImageError: for frames smaller than what the operator asks for. Whatever the two raise.
    """
    clip = crop_to_multiple(clip, multiple_of(build))
    time = None if mix is None else mix(tuple(clip.shape))
    mixed = clip if time is None else time(clip[None])[0]
    names = [f"{name}/{t}" for t in range(mixed.shape[1])]
    _, case = simulated(build, noise, names, mixed.movedim(1, 0).contiguous(), seed)
    return clip, Footage(name, case, time)


def recorded(
    build: Build,
    mix: Mix | None,
    noise: Noise,
    name: str,
    y: Tensor,
    shape: Sequence[int] | None,
    seed: int,
) -> Footage:
    """The footage of a clip y (c, S, h, w) that was measured.

    Args:
        shape: of the clip behind it, (C, T, H, W), or of a frame, (C, H, W); None: as y is, or so
            many times larger as the operator asks for; S frames.

    Raises:
        ImageError: where the operator, or what mixes frames, measures another shape.
    """
    given = None if shape is None else (shape[0], *shape[-2:])
    made = [behind(name, frame, build, given) for frame in y.movedim(1, 0)]
    operator, frames = made[0][0], torch.stack([frame for _, frame in made])
    names = [f"{name}/{t}" for t in range(len(frames))]
    case = Case(Problem(operator, noise, frames), names, seed)
    if mix is None:
        return Footage(name, case)
    channels, *sides = operator.in_shape
    count = len(frames) if shape is None or len(shape) == 3 else shape[1]
    time = mix((channels, count, *sides))
    if time.out_shape[1] != len(frames):
        raise ImageError(
            f"measurement {name}: of a clip of {count} frames {time!r} measures "
            f"{time.out_shape[1]}, it has {len(frames)}; say what clip is behind it, as "
            "shape=[3,T,256,256]"
        )
    return Footage(name, case, time)
