"""Operators by their choice in `conf/operator/`, for training: of any size, drawn anew."""

from collections.abc import Callable

from omegaconf import OmegaConf

from inverse.apps.configuration import build, expect, groups, read
from operators import Operator


def task(choice: str) -> Callable[[tuple[int, ...], int], Operator]:
    """The operator of a choice, for an image shape and a seed."""
    expect(choice, groups()["operator"], "operator")

    def make(shape: tuple[int, ...], seed: int) -> Operator:
        values = {"seed": seed, "operator": read("operator", choice)}
        return build(OmegaConf.create(values).operator, shape)

    return make
