"""The one reader and writer of every format; each one's library is loaded when it is wanted."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import numpy as np

from inverse.files import write_atomic
from inverse.images.scans.scan import ImageError, Scan
from operators.core import first_line

FORMATS = {  # suffixes: the module that reads them, and what such a file is
    (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".heic", ".heif"): "pillow",
    (".tif", ".tiff"): "tiff",
    (".dcm", ".dicom"): "dicom",
    (".nii", ".nii.gz"): "nifti",
    (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz"): "fits",
    (".npy",): "arrays",
}
ASK = 'pip install "anytime-inverse[files]"'


def kind_of(path: str | Path) -> str | None:
    """Which module reads a file, by its name's end; None for a name that says nothing."""
    name = Path(path).name.lower()
    return next((kind for ends, kind in FORMATS.items() if name.endswith(ends)), None)


def is_scan(path: str | Path) -> bool:
    """Whether a file may hold pages, or numbers in units of its own."""
    return kind_of(path) not in (None, "pillow")


def read_scan(path: str | Path, content: bytes | None = None) -> Scan:
    """Read a file, or its content.

    Raises:
        FileNotFoundError: for a file that is not there.
        ImageError: for a folder, a file that holds no pictures or is cut short.
        ModuleNotFoundError: where the format's library is missing, naming the extra.
    """
    path = Path(path).expanduser()
    if content is None and not path.exists():
        raise FileNotFoundError(f"image {path}: no such file; check the path")
    if content is None and path.is_dir():
        raise ImageError(f"image {path}: is a folder; give one of its files, or use list_images")
    if content is None:
        stat = path.stat()
        return _from_disk(path, stat.st_mtime_ns, stat.st_size)
    return _decoded(content, path)


@lru_cache(maxsize=1)  # the pages of a stack are asked for one after the other
def _from_disk(path: Path, time: int, size: int) -> Scan:
    return _decoded(path.read_bytes(), path)


def _decoded(content: bytes, path: Path) -> Scan:
    kind = kind_of(path) or ("dicom" if content[128:132] == b"DICM" else "pillow")
    try:
        with _quiet():
            scan = import_module(f"inverse.images.scans.{kind}").decode(content, path)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error.name} is missing: {ASK}", name=error.name) from error
    except MemoryError:
        raise
    except Exception as error:  # whatever a library says to a broken file
        mend = f"give a whole file of {', '.join(ends_of(kind))}"
        raise ImageError(f"image {path}: cannot be read ({first_line(error)}); {mend}") from error
    if scan.stored.ndim != 4 or not scan.stored.size:
        raise ImageError(f"image {path}: holds no picture; give a file that does")
    native = scan.stored.astype(scan.stored.dtype.newbyteorder("="), copy=False)
    return replace(scan, stored=native, kind=kind)


def ends_of(kind: str) -> tuple[str, ...]:
    """How the names of files end that a module reads."""
    return next(ends for ends, known in FORMATS.items() if known == kind)


def write_scan(scan: Scan, stored: np.ndarray, path: str | Path, zoom: int = 1) -> None:
    """Write a file like the one that was read, with other numbers (N, C, h, w) of its type.

    Raises:
        ImageError: where the file cannot take them. OSError: where it cannot be written.
    """
    path = Path(path).expanduser()
    check_target(scan, path)
    try:
        with _quiet():
            content = scan.encode(stored, zoom, path)
    except Exception as error:  # whatever a library says to what else is in the file
        raise ImageError(f"image {path}: cannot be written ({first_line(error)})") from error
    write_atomic(path, content)


def check_target(scan: Scan, path: str | Path) -> None:
    """Raise ImageError for a name of another kind of file than the one that was read."""
    if kind_of(path) != scan.kind:
        own = " or ".join(ends_of(scan.kind))
        raise ImageError(f"out {path}: must be of the kind of the file that was read: {own}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave what libraries remark on a file unsaid: what matters is an error of ours."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
