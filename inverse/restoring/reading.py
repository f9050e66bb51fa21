"""The pictures that a source names, page by page, read one at a time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from inverse.files import named
from inverse.images import (
    SCANS,
    SUFFIXES,
    Exposure,
    ImageError,
    is_picture,
    is_pile,
    list_images,
    load_image,
    sample_photograph,
    scans,
    sources,
    with_channels,
)

Range = Sequence[float] | str | None


class Reading(NamedTuple):
    """How files are read: as in `load_measurement`.

    Channels of None are 3 of photographs, and as many as the file has of scans.
    """

    channels: int | None = 3
    range: Range = None
    key: str | None = None
    exposure: Exposure | None = None


LISTED = (*SUFFIXES, *SCANS)  # of a folder
ARRAYS = (".npy", ".mat", ".h5")


class Place(NamedTuple):
    """Where one picture is: a source of one file, and which of its pages; None: the only one."""

    source: str
    page: int | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a file of its own, and none of a zip, a data set or scikit-image."""
        return not (sources.is_photograph(self.source) or sources.is_packed(self.source))

    @property
    def is_scan(self) -> bool:
        """Whether it is a file that may hold pages, or numbers in units of its own."""
        return self.is_file and scans.is_scan(self.source)

    def channels(self, given: int | None) -> int | None:
        """How many channels it is read with: as given, or 3 of a photograph, all of a scan."""
        return 3 if given is None and not self.is_scan else given

    def told(self, reading: Reading) -> str:
        """How the numbers of a scan are read, in words; empty for a photograph."""
        if not self.is_scan or is_pile(self.source):
            return ""
        scan = scans.read_scan(self.source)
        if reading.exposure is not None:
            scan = reading.exposure.of_page(scan, self.page or 0)
        return f"{self.source}: {scan.told_of(reading.range)}"


def photographs(
    source: str, key: str = "image", pages: Sequence[int] | None = None
) -> dict[str, Place]:
    """The pictures that `source` names, by name; of those in zips and data sets none is read yet.

    A stack of several pages is a picture for each of them, NAME/0, NAME/1, ...; of `pages`, where
    they are given.

    Args:
        key: what errors call the source; the arrays of a "measurement" need be no pictures.

    Raises:
        FileNotFoundError, ImageError: as `inverse.images.sources.listed`, and for a page that
            there is not.
    """
    path, measured = Path(source).expanduser(), key == "measurement"
    if source and path.is_dir():
        found = named(list_images(path, (*LISTED, *ARRAYS) if measured else LISTED))
        places = {name: Place(str(file)) for name, file in found.items()}
    else:
        places = {sources.name(file): Place(file) for file in sources.listed(source, key)}
    paged = {}
    for name, place in places.items():
        piled = measured and is_pile(place.source)  # numbers of one measurement, or of several
        paged |= _numbered(name, place, pages) if piled else _paged(name, place, pages)
    return paged


def truths_of(
    places: Mapping[str, Place], source: str, pages: Sequence[int] | None = None
) -> Mapping[str, Place]:
    """The truth of every measurement: the only picture that `source` names, or that of its name.

    Raises:
        FileNotFoundError, ImageError: as `photographs`, and where some have none.
    """
    found = photographs(source, "truth", pages)
    if len(places) == len(found) == 1:
        return dict(zip(places, found.values(), strict=True))
    if missing := set(places) - set(found):
        raise ImageError(f"truth {source}: has none of the names {', '.join(missing)}")
    return found


def skipped(source: str, key: str = "image") -> list[str]:
    """The files of a folder that are left out for their names, hidden ones aside."""
    path = Path(source).expanduser()
    if not path.is_dir():
        return []
    ends = (*LISTED, *ARRAYS) if key == "measurement" else LISTED
    files = sorted(p.name for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    return [name for name in files if not is_picture(Path(name), ends)]


def _paged(name: str, place: Place, pages: Sequence[int] | None) -> dict[str, Place]:
    count = len(scans.read_scan(place.source).stored) if place.is_scan else 1
    for page in pages or ():
        if not 0 <= page < count:
            raise ImageError(f"image {place.source}: has no page {page}; it has 0 to {count - 1}")
    return _numbered(name, place, None if count == 1 else pages or range(count))


def _numbered(name: str, place: Place, pages: Sequence[int] | None) -> dict[str, Place]:
    if pages is None:
        return {name: place}
    return {f"{name}/{page}": Place(place.source, page) for page in pages}


def photograph(
    place: Place | str, size: int | None = None, channels: int | None = 3, range: Range = None
) -> Tensor:
    """The one picture at a place, or that a source names, (C, H, W) in [-1, 1].

    With `size` the largest central square, resized (Lanczos). `channels`, `range`: as in
    `load_image`.

    Raises:
        FileNotFoundError, ImageError: as `load_image`.
    """
    source, page = place if isinstance(place, Place) else Place(place)
    if sources.is_photograph(source):
        return with_channels(sample_photograph(source, size=size or 256), channels)
    content = sources.read(source) if sources.is_packed(source) else None
    return load_image(
        source, size=size, content=content, channels=channels, range=range, page=page or 0
    )


def crop_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """The central part of (..., H, W) whose sides are multiples of what an operator asks for.

    Raises:
        ImageError: for an image that is smaller.
    """
    sides = images.shape[-2:]
    height, width = (side - side % multiple for side in sides)
    if not height or not width:
        raise ImageError(f"image of {tuple(sides)} pixels is smaller than {multiple}")
    top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
    return images[..., top : top + height, left : left + width]
