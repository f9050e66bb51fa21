"""Classes by name or number."""

import difflib
from collections.abc import Sequence


def number_of(label: int | str | None, classes: Sequence[str]) -> int | None:
    """The class's place among `classes`; None for None.

    Raises:
        ValueError: for a label that is none of them, naming the nearest.
    """
    if label is None or (isinstance(label, int) and 0 <= label < len(classes)):
        return label
    if label in classes:
        return classes.index(label)
    known = f"a class's name or 0..{len(classes) - 1}" if classes else "null: it knows no classes"
    near = difflib.get_close_matches(str(label), classes, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"label of this prior must be {known}, got {label!r}{hint}")
