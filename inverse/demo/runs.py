"""A restoration from its first step to its end, and what was done to it by hand on the way."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from inverse.demo.choices import MASK, Form, Menu
from inverse.demo.jobs import Job, Moment
from inverse.demo.painting import mask_of, paint_over
from inverse.demo.recipe import Make
from inverse.demo.uploads import Refused
from inverse.images import save_image
from inverse.solving import Result, Snapshot


class Run:
    """One restoration of one visitor; its `job` is to be put on the line.

    Args:
        folder: its own, holding the upload as PHOTO where the form names it.
        mask: what is painted, for a degradation that is painted.

    Raises:
        Refused: for a form that the menu does not allow, or without any paint for the mask.
        Whatever the making of the recipe raises.
    """

    def __init__(
        self, menu: Menu, make: Make, form: Form, folder: Path, mask: Image.Image | None
    ) -> None:
        self._menu, self._make, self.folder = menu, make, folder
        self._before: list[Moment] = []
        self.changes: list[dict[str, Any]] = []
        self.form, self.words, self.job = self._prepared(form, mask, None)

    @property
    def moments(self) -> list[Moment]:
        """The steps to look at and to go on from, in order."""
        return [*self._before, *self.job.moments]

    @property
    def command(self) -> str:
        """What does the same from the folder's files, but for the changes by hand."""
        line = f"inverse restore {' '.join(self.words)}"
        return f"{line}  # without what was changed by hand" if self.changes else line

    def go_on(
        self, form: Form, mask: Image.Image | None, paint: Image.Image | None, step: int
    ) -> None:
        """Make a new `job` that goes on after the newest moment up to `step` but the end.

        Args:
            form: its degradation, strength, noise and time budget are taken up, no more.
            paint: colours laid over the estimate, if any.

        Raises:
            Refused: when there is no such moment. Else as the constructor; the run stays as it is.
        """
        before = [m for m in self.moments if m.iterate.step <= min(step, m.iterate.steps - 1)]
        if not before:
            raise Refused("there is no step to go on from yet; press Restore")
        begin = before.pop()
        if paint is not None:
            begin = begin._replace(
                iterate=begin.iterate.edited(paint_over(begin.iterate.x0, paint))
            )
        taken = ("degradation", "strength", "sigma", "seconds")
        changed = replace(self.form, **{name: getattr(form, name) for name in taken})
        form, words, job = self._prepared(changed, mask, begin)
        self.changes.append(
            {"after_step": begin.iterate.step, "painted": paint is not None, "from": self.words}
        )
        self._before = [*before, begin]
        self.form, self.words, self.job = form, words, job

    def result(self) -> Result:
        """The best so far, at the costs of the whole way.

        Raises:
            Refused: when there is none.
        """
        moments, job = self.moments, self.job
        if not moments:
            raise Refused("there is no restoration yet")
        x0 = moments[-1].iterate.x0
        residual = job.recipe.problem.relative_residual(x0)
        finished = job.result is not None and job.result.finished
        shown = tuple(Snapshot(m.iterate.x0, m.nfe, m.seconds) for m in moments)
        return Result(x0, residual, *job.costs, finished, shown)

    def _prepared(
        self, form: Form, mask: Image.Image | None, begin: Moment | None
    ) -> tuple[Form, list[str], Job]:
        words = self._menu.words(form)
        if self._menu.degradations[form.degradation].painted:
            if mask is None:
                raise Refused("paint over what is to be lost first")
            save_image(mask_of(mask, form.size), self.folder / MASK)
        return form, words, Job(self._make(words, self.folder), begin)
