"""Pictures by name: a file, a member of a zip, an item of a Hugging Face data set.

A source is text that `inverse restore image=` takes: `photo.png`, `photos.zip/a/photo.png`,
`hf:NAME/SPLIT/17` (NAME as `datasets.load_dataset` takes it, or a folder of `save_to_disk`).
"""

import re
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from inverse.images.pictures import SUFFIXES, ImageError

HUB = re.compile(r"hf:(?P<name>.+)/(?P<split>[^/]+)/(?P<index>\d+)")


def is_packed(source: str) -> bool:
    """Whether `source` names a picture inside a zip or a data set."""
    return bool(HUB.fullmatch(source)) or _archive(source) is not None


def read(source: str) -> bytes | None:
    """The file of a picture inside a zip or a data set, as it is stored; None for other sources.

    Raises:
        FileNotFoundError: for a member or an item that is not there.
        ModuleNotFoundError: for a data set without the library, naming the extra.
    """
    if match := HUB.fullmatch(source):
        return _item(match["name"], match["split"], int(match["index"]))
    if (found := _archive(source)) is None:
        return None
    archive, member = found
    try:
        return _zip(archive).read(member)
    except KeyError as error:
        raise FileNotFoundError(f"image {source}: {archive} has no {member}") from error


def members(archive: Path) -> list[str]:
    """The pictures of a zip as sources, sorted by name; hidden and system files aside.

    Raises:
        ImageError: for one without pictures, or no zip.
    """
    try:
        names = [PurePosixPath(name) for name in _zip(archive).namelist()]
    except zipfile.BadZipFile as error:
        raise ImageError(f"data {archive}: is no whole zip file") from error
    hidden = {n for n in names if any(p.startswith((".", "__MACOSX")) for p in n.parts)}
    found = sorted(str(n) for n in set(names) - hidden if n.suffix.lower() in SUFFIXES)
    if not found:
        raise ImageError(f"data {archive}: holds no {', '.join(SUFFIXES)} file")
    return [f"{archive}/{name}" for name in found]


def items(name: str, split: str) -> Iterator[str]:
    """The pictures of a Hugging Face data set as sources, in its own order."""
    yield from (f"hf:{name}/{split}/{index}" for index in range(len(_dataset(name, split))))


def _archive(source: str) -> tuple[Path, str] | None:
    path = Path(source).expanduser()
    for folder in path.parents:
        if folder.suffix.lower() == ".zip" and folder.is_file():
            return folder, path.relative_to(folder).as_posix()
    return None


@lru_cache(maxsize=8)
def _zip(archive: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)


@lru_cache(maxsize=8)
def _dataset(name: str, split: str) -> Any:
    """The data set with its picture column undecoded, and that column's name."""
    try:
        import datasets  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error.name} is missing: pip install 'anytime-inverse[hub]'", name=error.name
        ) from error
    if Path(name).is_dir():
        found = datasets.load_from_disk(name)
        found = found[split] if isinstance(found, datasets.DatasetDict) else found
    else:
        found = datasets.load_dataset(name, split=split)
    columns = [key for key, kind in found.features.items() if isinstance(kind, datasets.Image)]
    if len(columns) != 1:
        few = ", ".join(columns) or "none"
        raise ImageError(f"data hf:{name}/{split}: needs one column of images, it has {few}")
    found = found.select_columns(columns).rename_column(columns[0], "image")
    return found.cast_column("image", datasets.Image(decode=False))


def _item(name: str, split: str, index: int) -> bytes:
    found = _dataset(name, split)
    if index >= len(found):
        raise FileNotFoundError(f"image hf:{name}/{split}/{index}: it has {len(found)} items")
    image = found[index]["image"]
    return image["bytes"] if image["bytes"] is not None else Path(image["path"]).read_bytes()


def name(source: str) -> str:
    """What a picture is called, and its seeds come from: the path inside its zip, its number in
    its data set, or the file's own name; without the suffix."""
    if match := HUB.fullmatch(source):
        return f"{match['split']}/{match['index']}"
    found = _archive(source)
    return Path(source).stem if found is None else str(PurePosixPath(found[1]).with_suffix(""))
