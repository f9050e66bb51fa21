"""Several pictures in a row, one of which may fail."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from inverse.apps.main import one_line
from inverse.images import ImageError

Made = TypeVar("Made")


class Failures:
    """Which of `count` pictures could not be restored, and why: told when all others are done.

    One picture alone fails at once, and so do all when the user interrupts.
    """

    def __init__(self, count: int) -> None:
        self.count, self._names = count, dict[str, list[str]]()

    @contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Note the error that ends this block, as that of picture `name`."""
        try:
            yield
        except Exception as error:
            if self.count == 1 or isinstance(error.__cause__, KeyboardInterrupt):
                raise
            self._names.setdefault(one_line(error), []).append(name)

    def made(self, makes: Mapping[str, Callable[[], Made]]) -> Iterator[tuple[str, Made]]:
        """Make one after the other, by name; those that fail are noted and left out."""
        for name, make in makes.items():
            with self.noted(name):
                yield name, make()

    def tell(self) -> None:
        """Raise ImageError with every reason and the pictures it is that of, if there are any."""
        if not self._names:
            return
        reasons = "; ".join(f"{', '.join(names)}: {why}" for why, names in self._names.items())
        failed = sum(map(len, self._names.values()))
        raise ImageError(f"{failed} of {self.count} pictures could not be restored: {reasons}")
