"""Which sizes of images an operator takes: its own error says it."""

from collections.abc import Callable
from contextlib import suppress

from operators.core.operator import Operator, Shape


class SizeError(ValueError):
    """An image has a side that is no multiple of what the operator asks for.

    An operator that takes some sizes only raises it before it checks anything else of the image;
    `multiple_of` finds it there, so that pictures are cropped to what the operator takes.
    """

    def __init__(self, message: str, multiple: int) -> None:
        super().__init__(message)
        self.multiple = multiple


def check_sides(rule: str, image_shape: Shape, multiple: int) -> None:
    """Raise `SizeError`, saying the rule, unless both sides of (C, H, W) are multiples."""
    sides = image_shape[1:]
    if any(side % multiple for side in sides):
        raise SizeError(f"{rule} the image {sides}; crop or resize it", multiple)


def multiple_of(make: Callable[[Shape], Operator]) -> int:
    """What the sides of the images that `make` takes must be multiples of: 1 where any will do.

    Asks for an operator on one pixel, which says so by its `SizeError`.
    """
    with suppress(Exception):  # what else is wrong with one pixel does not matter here
        try:
            make((3, 1, 1))
        except SizeError as error:
            return error.multiple
    return 1
