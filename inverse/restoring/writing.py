"""What was restored, in files like those that were read: depth, units and all else they hold."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from inverse.images import ImageError, scans
from inverse.images.scans import Scan
from inverse.restoring.reading import Place, Range


class Outputs:
    """The restored files, each written when the last of its pages has come.

    Pages that nothing was restored of stay as they are.

    Args:
        out: the file to write; a folder, where the places are of several files. places: by name,
            of what is to be restored. range: as the files were read with.

    Raises:
        ImageError: for a place in a zip, a data set or scikit-image, and for a name of another
            kind of file than the one that is read.
    """

    def __init__(self, out: str | Path, places: Mapping[str, Place], range: Range = None) -> None:
        self.places, self.range = places, range
        sources = list(dict.fromkeys(place.source for place in places.values()))
        folder, several = Path(out).expanduser(), len(sources) > 1
        self.targets = {s: folder / Path(s).name if several else folder for s in sources}
        for name, place in places.items():
            if not place.is_file:
                raise ImageError(f"out {out}: {name} is no file of its own, whose like to write")
        for source, target in self.targets.items():
            scans.check_target(scans.read_scan(source), target)
        if several:
            folder.mkdir(parents=True, exist_ok=True)
        self._done: dict[str, dict[int, Tensor]] = {source: {} for source in sources}

    def check(self, name: str, shape: tuple[int, ...]) -> int:
        """How many times finer than the file's the pixels of an image (C, H, W) are.

        Raises:
            ImageError: where it has other channels, or sides that are no multiples.
        """
        place = self.places[name]
        stored = scans.read_scan(place.source).stored
        channels, height, width = stored.shape[1:]
        zoom = shape[1] // height
        if shape != (channels, zoom * height, zoom * width) or not zoom:
            raise ImageError(
                f"out: {name} is restored as {shape}, {place.source} holds {stored.shape[1:]}; "
                "leave out size=, crop it to what the operator takes, or say channels="
            )
        if zoom > 1 and self._pages(place.source) < len(stored):
            raise ImageError(f"out: {name} is restored {zoom} times finer; leave out pages=")
        return zoom

    def add(self, name: str, x: Tensor) -> Path | None:
        """Take a restored image (C, h, w); the file, where this was the last of its pages."""
        source, page = self.places[name]
        zoom, done = self.check(name, tuple(x.shape)), self._done[source]
        done[page or 0] = x.cpu()
        if len(done) < self._pages(source):
            return None
        scan, target = scans.read_scan(source), self.targets[source]
        scans.write_scan(scan, self._stored(scan, done), target, zoom)
        return target

    def _pages(self, source: str) -> int:
        return sum(place.source == source for place in self.places.values())

    def _stored(self, scan: Scan, done: Mapping[int, Tensor]) -> np.ndarray:
        limits, _ = scan.range(self.range)
        order = sorted(done)
        restored = scan.numbers([done[page] for page in order], limits)
        if len(order) == len(scan.stored):
            return restored
        whole = scan.stored.copy()
        whole[order] = restored
        return whole
