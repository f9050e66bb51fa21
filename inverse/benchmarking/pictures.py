"""The photographs a benchmark runs on: where they come from, their hash, their pixels."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from torch import Tensor

from inverse.benchmarking.standard import STANDARD, files
from inverse.images import ImageError, sources
from inverse.restoring import photograph

PART = re.compile(r"(?P<source>.+)@(?P<first>\d*):(?P<last>\d*)")


@dataclass(frozen=True)
class Picture:
    """One photograph, not yet read.

    Attributes:
        dataset: the folder's, the zip's or the standard set's name. name: the file's, without
            suffix; its seeds come from it.
        source: what `inverse restore image=` takes. digest: SHA-256 of the file.
    """

    dataset: str
    name: str
    source: str
    digest: str

    def load(self, size: int | None) -> Tensor:
        """(3, H, W) in [-1, 1]; with `size` the largest central square, resized (Lanczos).

        Raises:
            FileNotFoundError, ImageError: as `load_image`.
        """
        return photograph(self.source, size)


def find(given: Iterable[str]) -> list[Picture]:
    """The pictures that sources name, sorted by name within each.

    A source is one of `inverse.images.sources`, or `SET:FOLDER` with a standard set of
    `STANDARD`; with `@10:20` behind it the pictures from number 10 to 19 of it.

    Raises:
        FileNotFoundError: for a source that is none of them.
        ImageError: for an empty one, or two pictures of one name, as their rows would be.
    """
    found = []
    for source in given:
        part = PART.fullmatch(source)
        pictures = _listed(part["source"] if part else source)
        if part:
            pictures = pictures[int(part["first"] or 0) : int(part["last"] or len(pictures))]
        if not pictures:
            raise ImageError(f"data {source}: names no picture")
        found += [_picture(dataset, path) for dataset, path in pictures]
    for name, count in Counter((p.dataset, p.name) for p in found).items():
        if count > 1:
            raise ImageError(f"data: {count} pictures are called {'/'.join(name)}; rename them")
    return found


def checksum(pictures: Sequence[Picture]) -> dict[str, tuple[int, str]]:
    """{data set: (how many pictures, SHA-256 of their hashes in the order of their names)}."""
    found: dict[str, list[Picture]] = {}
    for picture in pictures:
        found.setdefault(picture.dataset, []).append(picture)
    return {name: (len(own), _sum(own)) for name, own in found.items()}


def _sum(pictures: list[Picture]) -> str:
    ordered = sorted(pictures, key=lambda picture: picture.name)
    return sha256("".join(picture.digest for picture in ordered).encode()).hexdigest()


def _listed(source: str) -> list[tuple[str, str]]:
    """(data set, source) of each picture."""
    kind, _, folder = source.partition(":")
    if kind in STANDARD and folder:
        return [(kind, str(file)) for file in files(kind, folder)]
    try:
        return [(sources.collection(file), file) for file in sources.listed(source, "data")]
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}, {', '.join(STANDARD)}:FOLDER") from error


def _picture(dataset: str, source: str) -> Picture:
    content = sources.read(source)
    return Picture(dataset, sources.name(source), source, sha256(content).hexdigest())
