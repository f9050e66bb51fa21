"""What a method asks of a problem: declared by its parts, checked before any network call."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from operators import Inpaint, LinearOperator, Problem, SpectralOperator


def _operator(problem: Problem) -> str:
    return type(problem.operator).__name__


class Need(NamedTuple):
    """Something a part asks for: in words, as a test of the problem, and what to do without it.

    `got` says in words what a problem brings instead.
    """

    what: str
    met: Callable[[Problem], bool]
    fix: str
    got: Callable[[Problem], str] = _operator


class Unfit(TypeError):
    """A sampler was given a problem, or a prior an image, that it cannot take."""


Needs = frozenset[Need]
NOTHING: Needs = frozenset()

LINEAR = Need(
    "a linear operator",
    lambda problem: isinstance(problem.operator, LinearOperator),
    "choose a solver that takes any operator (nested_nonlinear, dps), or another operator",
)
SPECTRAL = Need(
    "an operator with a singular value decomposition",
    lambda problem: isinstance(problem.operator, SpectralOperator),
    "choose a solver that takes any linear operator (nested), or another operator",
)
POINTWISE = Need(
    "an operator that measures single values of the image",
    lambda problem: getattr(problem.operator, "pointwise", False),
    "choose a solver that takes any linear operator (nested), or operator=inpaint_..., bayer or "
    "identity",
)
ONE_LEVEL = Need(
    "a prior that is told the noise of every value",
    lambda problem: False,
    "choose a solver that takes any prior (nested), or a prior of network=stem",
    lambda problem: "one that is told a single level",
)
MASK = Need(
    "an inpainting operator",
    lambda problem: isinstance(problem.operator, Inpaint),
    "choose a solver that takes any linear operator (nested), or operator=inpaint_...",
)
BACKWARD = Need(
    "a backward pass through the network",
    lambda problem: not torch.is_inference_mode_enabled(),
    "load, measure and solve under torch.no_grad() or plainly",
    lambda problem: "torch.inference_mode(), which has none",
)
"""A cost rather than a condition: every prior here can be differentiated."""


def needs_of(part: Any) -> Needs:
    """All that a part asks for, with the backward pass where it is differentiable."""
    return part.requires | {BACKWARD} if getattr(part, "differentiable", False) else part.requires


class Composite:
    """Something made of parts, which asks of a problem what they ask for together.

    Attributes:
        needs: what it asks for beyond them.
        shuffles: whether it gives a network another picture than in the call before.
    """

    needs: Needs = NOTHING
    shuffles: bool = False

    @property
    def parts(self) -> list[Any]:
        """Those of its attributes that ask something of a problem themselves."""
        own = vars(self)
        every = (*own.values(), *own.get("_modules", {}).values())
        return [part for part in every if hasattr(type(part), "requires")]

    @property
    def requires(self) -> Needs:
        """What it asks of the problem."""
        return self.needs.union(*map(needs_of, self.parts))

    @property
    def kind(self) -> str:
        """What it is made of, by the names of classes, but for its priors."""
        kinds = [getattr(part, "kind", type(part).__name__) for part in self.parts]
        return f"{type(self).__name__}({', '.join(filter(None, kinds))})"


def check(needs: Needs, problem: Problem, who: str) -> None:
    """Raise `Unfit`, naming `who` asks for what and what it got, unless all needs are met."""
    for need in sorted(needs, key=lambda need: need.what):
        if not need.met(problem):
            raise Unfit(f"{who} needs {need.what}, got {need.got(problem)}; {need.fix}")
