"""What a prior is learned from when nobody has clean pictures: measurements of many."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from inverse.denoise import Field, Unfit, gaussian_around, spectrum
from inverse.levels import UNKNOWN
from operators import Inpaint, Noise, Problem

log = logging.getLogger(__name__)


class Observations:
    """Measurements of many pictures of one size: problems of B each, of any operators.

    Observation n is the n-th of them in order, whatever the batches are.

    Raises:
        ValueError: for no problems, or pictures of several sizes.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        shapes = {tuple(problem.operator.in_shape) for problem in problems}
        if len(shapes) != 1:
            raise ValueError(f"Observations: all must be of pictures of one size, got {shapes}")
        self.problems, (self.shape,) = list(problems), shapes

    @classmethod
    def load(cls, path: str | Path, noise: Noise) -> Observations:
        """Those in a .npy file, (N, C, H, W) in [-1, 1], NaN where a value is not measured.

        Raises:
            FileNotFoundError, ValueError: where there is no such file, or it holds anything else.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"measurements not found: {path}; give a .npy file")
        try:
            y = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise ValueError(f"measurements {path} is no .npy file ({error})") from error
        if getattr(y, "ndim", 0) != 4 or y.dtype.kind != "f":
            raise ValueError(
                f"measurements {path} must be one array of floats (N, C, H, W) with NaN where a "
                "value is lost"
            )
        values = torch.from_numpy(y).float()
        operator = Inpaint(values.shape[1:], values.isfinite())
        return cls([Problem(operator, noise, values.nan_to_num(0.0))])

    def __len__(self) -> int:
        return sum(map(len, self.problems))

    def batches(self, size: int) -> Iterator[tuple[int, Problem]]:
        """Problems of at most `size` observations, and the number of the first of each."""
        number = 0
        for problem in self.problems:
            for start in range(0, len(problem), size):
                part = problem[start : start + size]
                yield number, part
                number += len(part)

    def split(self, share: float) -> tuple[Observations, Observations]:
        """All but the last share of every problem, and those.

        Raises:
            ValueError: where one of the two would be empty.
        """
        cuts = [len(problem) - round(share * len(problem)) for problem in self.problems]
        pairs = list(zip(self.problems, cuts, strict=True))
        kept = [problem[:cut] for problem, cut in pairs if cut]
        held = [problem[cut:] for problem, cut in pairs if cut < len(problem)]
        if not kept or not held:
            raise ValueError(
                f"cannot hold out a share of {share} of {len(self)} observations; "
                "give more, or another share"
            )
        return Observations(kept), Observations(held)

    def unseen(self) -> Tensor:
        """The values (C, H, W) that no observation tells of; a warning of them.

        What is learned of them is what the start says.

        Raises:
            Unfit: for operators that do not measure single values.
        """
        seen = torch.zeros(self.shape, dtype=torch.bool)
        for _, problem in self.batches(256):
            seen |= (
                state_of(problem)[1].pixels(problem.y.new_zeros(1, *self.shape)).isfinite().any(0)
            )
        lost = ~seen
        if lost.any():
            log.warning(
                "%d of the %d values of a picture are in no observation: nothing is learned of "
                "them; measure with masks that differ",
                int(lost.sum()),
                lost.numel(),
            )
        return lost


def state_of(problem: Problem) -> tuple[Tensor, Field]:
    """A measurement of single values as a state of uneven noise, 0 where it tells of none.

    Raises:
        Unfit: for operators that do not measure single values.
    """
    if not getattr(problem.operator, "pointwise", False):
        raise Unfit(
            f"a model of pixels cannot be fitted to what {problem.operator!r} measures; give "
            "masks, Bayer or noisy pictures, or begin with a prior (weights=)"
        )
    nothing = problem.y.new_zeros((len(problem), *problem.operator.in_shape))
    return spectrum(gaussian_around(problem), "a model of pixels").joined(nothing, UNKNOWN)


def device_of(model: nn.Module) -> torch.device:
    """Where a model's tensors lie."""
    return next(chain(model.parameters(), model.buffers()), torch.empty(0)).device
