"""What the page remembers of each visitor, and forgets."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from PIL import Image

from inverse.demo.choices import PHOTO, Form, Menu
from inverse.demo.line import Line
from inverse.demo.recipe import Make, RestorationRecipe
from inverse.demo.runs import Run
from inverse.demo.uploads import Refused, accept, square


@dataclass(frozen=True)
class Workshop:
    """What all visitors share: the menu, how recipes are made, and the line to the device."""

    menu: Menu
    make: Make
    line: Line


class Session:
    """One visitor: an upload, a run, and a folder for their files, gone with `close`."""

    def __init__(self, shop: Workshop) -> None:
        self.shop, self._runs = shop, 0
        self.run: Run | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="inverse-demo-"))
        self.touched = time.monotonic()

    @property
    def upload(self) -> Path:
        return self.folder / "upload.png"

    def take(self, path: str | Path) -> None:
        """Take in an uploaded file.

        Raises:
            Refused: as `accept`; an earlier upload then stays.
        """
        fresh = self.folder / "fresh.png"
        accept(path, fresh, self.shop.menu.limits)
        fresh.replace(self.upload)

    def preview(self, form: Form, mask: Image.Image | None) -> RestorationRecipe:
        """What a form would restore, without doing it. Raises as `Run`."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            place = self._place(form, Path(folder))
            return Run(self.shop.menu, self.shop.make, form, place, mask).job.recipe

    def restore(self, form: Form, mask: Image.Image | None) -> Run:
        """Begin a run and put it on the line; an earlier one is stopped and forgotten.

        Raises: as `Run`, and Refused when the line is too long; the earlier run then stays.
        """
        self._runs += 1
        folder = self.folder / f"run-{self._runs}"
        folder.mkdir()
        try:
            run = Run(self.shop.menu, self.shop.make, form, self._place(form, folder), mask)
            self.stop()
            self.shop.line.submit(run.job)
        except Exception:
            shutil.rmtree(folder)
            raise
        if self.run is not None:
            shutil.rmtree(self.run.folder)
        self.run = run
        return run

    def go_on(
        self, form: Form, mask: Image.Image | None, paint: Image.Image | None, step: int
    ) -> Run:
        """Go on with the run from a step (`Run.go_on`) and put it on the line."""
        if self.run is None:
            raise Refused("there is nothing to go on with yet; press Restore")
        self.stop()
        self.run.go_on(form, mask, paint, step)
        self.shop.line.submit(self.run.job)
        return self.run

    def stop(self) -> None:
        """Stop the run, if there is one at work; the best so far stays."""
        if self.run is not None:
            self.run.job.stop()

    def close(self) -> None:
        """Stop the run and delete every file."""
        self.stop()
        self.run = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, form: Form, folder: Path) -> Path:
        """The folder, with the upload in it where the form names it."""
        self.shop.menu.check(form)
        if form.image == PHOTO:
            if not self.upload.exists():
                raise Refused("there is no uploaded photograph; upload one or choose an example")
            square(self.upload, folder / PHOTO, form.size)
        return folder


class Sessions:
    """The sessions of all visitors by their keys, which only their own pages know."""

    def __init__(self, shop: Workshop) -> None:
        self.shop, self._lock = shop, RLock()
        self._all: dict[str, Session] = {}

    def of(self, key: str) -> Session:
        """A visitor's session, a new one for a new key; those idle for too long are closed."""
        limits = self.shop.menu.limits
        with self._lock:
            for other, session in list(self._all.items()):
                if other != key and time.monotonic() - session.touched > limits.minutes * 60:
                    self.drop(other)
            if key not in self._all:
                if len(self._all) >= limits.visitors:
                    self.drop(min(self._all, key=lambda other: self._all[other].touched))
                self._all[key] = Session(self.shop)
            self._all[key].touched = time.monotonic()
            return self._all[key]

    def drop(self, key: str) -> None:
        """Close a visitor's session, if there is one."""
        with self._lock:
            session = self._all.pop(key, None)
        if session is not None:
            session.close()

    def close(self) -> None:
        """Close them all."""
        for key in list(self._all):
            self.drop(key)
