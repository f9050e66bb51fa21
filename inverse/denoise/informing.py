"""Networks that are told of the measurement, by extra channels beside the state."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from inverse.denoise._wiener import wiener
from inverse.denoise.denoisers import Denoiser, Estimate, Prior
from inverse.denoise.linear import linear_operator
from inverse.denoise.needs import LINEAR, MASK, NOTHING, Needs, Unfit, check
from inverse.levels import Level
from operators import Inpaint, Problem, Rng


class Informable(Protocol):
    """A network with input channels beside the state."""

    def informed(self, told: Tensor) -> Prior:
        """The same network, shared, told `told` (B, extra, H, W) beside every state."""
        ...


class Cue(NamedTuple):
    """What a network is told of a measurement.

    Attributes:
        read: problem -> (B, channels, H, W). channels: for pictures in colour.
        requires: what it asks of the problem.
    """

    read: Callable[[Problem], Tensor]
    channels: int
    requires: Needs = NOTHING


def _adjoint(problem: Problem) -> Tensor:
    return linear_operator(problem, "Informed, by adjoint,").adjoint(problem.y)


def lost(problem: Problem) -> Tensor:
    """Where a mask loses a value of any channel: 1, elsewhere 0, (B, 1, H, W).

    Raises:
        Unfit: for an operator that is no mask.
    """
    check(frozenset({MASK}), problem, "Informed, by mask,")
    assert isinstance(problem.operator, Inpaint)
    missing = 1 - problem.operator.mask.amin(1, keepdim=True)
    return missing.to(problem.y).expand(len(problem), 1, *problem.operator.in_shape[1:])


CUES = {
    "wiener": Cue(wiener, 3, frozenset({LINEAR})),
    "adjoint": Cue(_adjoint, 3, frozenset({LINEAR})),
    "mask": Cue(lost, 1, frozenset({MASK})),
}
"""The Wiener restoration, `A^T y`, and 1 where a mask loses a value."""


def cue(names: Sequence[str]) -> Cue:
    """Those of `CUES` that are named, side by side.

    Raises:
        ValueError: for an unknown name, or none.
    """
    unknown = [name for name in names if name not in CUES]
    if unknown or not names:
        got = ", ".join(map(str, unknown)) or "none"
        raise ValueError(f"a network is informed by some of {', '.join(CUES)}, got {got}")
    chosen = [CUES[name] for name in names]
    return Cue(
        lambda problem: torch.cat([one.read(problem) for one in chosen], 1),
        sum(one.channels for one in chosen),
        NOTHING.union(*(one.requires for one in chosen)),
    )


class Informed(Denoiser):
    """A network that is told of the measurement by extra channels beside the state.

    `D(x, level; c)`, `c = read(problem)`: once per problem, the last of which is kept.

    Such a network estimates `E[x0 | x, y]` for the measurements it was trained on. A data step upon
    it counts what is measured twice.

    Args:
        prior: the network. told: what it is told.
        paired: the network's pictures are what a restoration y0 lacks, which it is told first:
            `D(x, level) = y0 + N(x - alpha y0, level; c)`.

    Raises:
        Unfit: when called, for states of another number or size than what it is told.
    """

    aware = True

    def __init__(self, prior: Informable, told: Cue, paired: bool = False) -> None:
        super().__init__()
        self.prior: Any = prior
        self.read, self.needs, self.paired = told.read, told.requires, paired
        self._last: tuple[Problem, Tensor] | None = None

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        told = self._told(problem)
        if (len(told), *told.shape[2:]) != (len(x), *x.shape[2:]):
            raise Unfit(
                f"Informed: states {tuple(x.shape)} are not those of the measurement, of which the "
                f"network is told {tuple(told.shape)}; give it whole pictures, each by itself"
            )
        network = self.prior.informed(told)
        if not self.paired:
            return network(x, level, problem, rng)
        y0 = told[:, : x.shape[1]]
        lacking = network(x - level.alpha * y0, level, problem, rng)
        return Estimate(y0 + lacking.x0, lacking.noise)

    @torch.no_grad()
    def _told(self, problem: Problem) -> Tensor:
        last = self._last
        if last is None or last[0] is not problem:
            last = self._last = problem, self.read(problem)
        return last[1]
