"""What one restoration is made of."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from inverse.samplers import Sampler
from inverse.solving import Budget
from operators import Problem, Rng


class RestorationRecipe(NamedTuple):
    """All that `solve` needs for K samples of one image.

    Attributes:
        truth: (3, H, W). problem: of the K samples. rng: their streams.
        config: the configuration that this was made from, as YAML.
    """

    truth: Tensor
    problem: Problem
    sampler: Sampler
    rng: Rng
    budget: Budget
    config: str


Make = Callable[[Sequence[str], Path], RestorationRecipe]
"""A recipe from the words of an `inverse restore` command given in a folder."""
