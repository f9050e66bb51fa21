"""What a method asks of a problem: declared by its parts, checked before any network call."""

from collections.abc import Callable
from typing import NamedTuple

from operators import Inpaint, LinearOperator, Problem, SpectralOperator


class Need(NamedTuple):
    """Something a part asks for: in words, as a test of the problem, and what to do without it."""

    what: str
    met: Callable[[Problem], bool]
    mend: str


class Unfit(TypeError):
    """A sampler was given a problem that it cannot take."""


Needs = frozenset[Need]
NOTHING: Needs = frozenset()

LINEAR = Need(
    "a linear operator",
    lambda problem: isinstance(problem.operator, LinearOperator),
    "choose a solver that takes any operator (dps), or another operator",
)
SPECTRAL = Need(
    "an operator with a singular value decomposition",
    lambda problem: isinstance(problem.operator, SpectralOperator),
    "choose a solver that takes any linear operator (nested), or another operator",
)
MASK = Need(
    "an inpainting operator",
    lambda problem: isinstance(problem.operator, Inpaint),
    "choose a solver that takes any linear operator (nested), or operator=inpaint_...",
)
BACKWARD = Need("a backward pass through the network", lambda problem: True, "")
"""A cost rather than a condition: every prior here can be differentiated."""


def check(needs: Needs, problem: Problem, who: str) -> None:
    """Raise `Unfit`, naming ``who`` asks for what and what it got, unless all needs are met."""
    for need in sorted(needs, key=lambda need: need.what):
        if not need.met(problem):
            got = type(problem.operator).__name__
            raise Unfit(f"{who} needs {need.what}, got {got}; {need.mend}")
