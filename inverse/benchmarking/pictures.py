"""The photographs a benchmark runs on: where they come from, their hash, their pixels."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path

from torch import Tensor

from inverse.benchmarking.standard import STANDARD, files
from inverse.images import PHOTOGRAPHS, ImageError, list_images, sources
from inverse.restoring import photograph

PART = re.compile(r"(?P<source>.+)@(?P<first>\d*):(?P<last>\d*)")


@dataclass(frozen=True)
class Picture:
    """One photograph, not yet read.

    Attributes:
        dataset: the folder's, the zip's or the standard set's name. name: the file's, without
            suffix; its seeds come from it.
        source: what ``inverse restore image=`` takes. digest: SHA-256 of the file.
    """

    dataset: str
    name: str
    source: str
    digest: str

    def load(self, size: int | None) -> Tensor:
        """(3, H, W) in [-1, 1]; with ``size`` the largest central square, resized (Lanczos).

        Raises:
            FileNotFoundError, ImageError: as `load_image`.
        """
        return photograph(self.source, size)


def find(given: Iterable[str]) -> list[Picture]:
    """The pictures that sources name, sorted by name within each.

    A source is a photograph of scikit-image, a file, a folder of files, a zip, ``hf:NAME/SPLIT``
    (a Hugging Face data set), or ``SET:FOLDER`` with a standard set of `STANDARD`; with ``@10:20``
    behind it the pictures from number 10 to 19 of it.

    Raises:
        FileNotFoundError: for a source that is none of them.
        ImageError: for an empty one, or two pictures of one name, as their rows would be.
    """
    found = []
    for source in given:
        part = PART.fullmatch(source)
        pictures = list(_listed(part["source"] if part else source))
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


def _listed(source: str) -> Iterator[tuple[str, str]]:
    """(data set, source) of each picture."""
    if not source:
        raise ImageError("data names an empty source; give a path, or a photograph's name")
    path, (kind, _, rest) = Path(source).expanduser(), source.partition(":")
    if kind in STANDARD and rest:
        yield from ((kind, str(file)) for file in files(kind, rest))
    elif kind == "hf" and rest:
        name, _, split = rest.rpartition("/")
        if not name:
            raise ImageError(f"data {source}: say hf:NAME/SPLIT")
        yield from ((Path(name).name, item) for item in sources.items(name, split))
    elif source in PHOTOGRAPHS and not path.exists():
        yield "scikit-image", source
    elif path.is_file() and path.suffix.lower() == ".zip":
        yield from ((path.stem, member) for member in sources.members(path))
    elif path.is_file():
        yield path.resolve().parent.name, str(path)
    elif path.is_dir():
        yield from ((path.resolve().name, str(file)) for file in list_images(path))
    else:
        few = f"{', '.join(PHOTOGRAPHS)}, hf:NAME/SPLIT, {', '.join(STANDARD)}:FOLDER"
        raise FileNotFoundError(f"data {source}: no file, no folder, no zip and none of {few}")


def _picture(dataset: str, source: str) -> Picture:
    if source in PHOTOGRAPHS and not Path(source).exists():
        content = (resources.files("skimage") / "data" / PHOTOGRAPHS[source][0]).read_bytes()
    elif (content := sources.read(source)) is None:
        content = Path(source).read_bytes()
    return Picture(dataset, sources.name(source), source, sha256(content).hexdigest())
