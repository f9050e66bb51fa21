"""What a walk found out of a problem that it was not wholly told."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from operators import LinearOperator, Noise, Problem


class Quantity(NamedTuple):
    """A number per sample, (B,), and its uncertainty: `std` is inf where the data are silent."""

    mean: Tensor
    std: Tensor

    @property
    def told(self) -> Tensor:
        """The mean, NaN where the data are silent: it is the prior's own."""
        return self.mean.where(self.std.isfinite(), float("nan"))

    def after(self, last: "Quantity | None") -> "Quantity":
        """This one, not surer than the last: what is said given one image is said too surely."""
        if last is None:
            return self
        wider = torch.where(last.std.isinf(), self.std, self.std.maximum(last.std))
        return self._replace(std=wider)


class Found(NamedTuple):
    """What a refit found: numbers with their uncertainty, and the parts of the problem they make.

    Attributes:
        numbers: by name. noise, operator: None where they are not the refit's concern.
        kernel: (B, 1, h, w), of a blur; else None. kernel_std: of its values, where they are free.
    """

    numbers: Mapping[str, Quantity]
    noise: Noise | None = None
    operator: LinearOperator | None = None
    kernel: Tensor | None = None
    kernel_std: Tensor | None = None

    def applied(self, problem: Problem) -> Problem:
        """The problem with what was found in place of its own."""
        return Problem._with(
            self.operator or problem.operator, self.noise or problem.noise, problem.y
        )


def known(problem: Problem, found: Sequence[Found]) -> Problem:
    """The problem with all that was found of it."""
    for part in found:
        problem = part.applied(problem)
    return problem
