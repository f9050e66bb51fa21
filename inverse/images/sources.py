"""Pictures by name: the one reader of files, folders, zips and Hugging Face data sets.

A source of one picture is text that `inverse restore image=` takes: a name of `PHOTOGRAPHS`,
`photo.png`, `photos.zip/a/photo.png`, `hf:NAME/SPLIT/17` (NAME as `datasets.load_dataset`
takes it, or a folder of `save_to_disk`). Of several: a folder, `photos.zip`, `hf:NAME/SPLIT`.
"""

import os
import re
import zipfile
from functools import lru_cache
from importlib import resources
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from inverse.images.pictures import PHOTOGRAPHS, SUFFIXES, ImageError, is_picture, list_images

ITEM = re.compile(r"hf:(?P<name>.+)/(?P<split>[^/]+)/(?P<index>\d+)")
DATASET = re.compile(r"hf:(?P<name>.+)/(?P<split>[^/]+)")


def listed(source: str, key: str = "image") -> list[str]:
    """The pictures that a source names, as a source each, none of them read yet.

    Args:
        key: what errors call the source.

    Raises:
        FileNotFoundError: for a source that is not there; it lists the photographs.
        ImageError: for a folder or a zip without pictures, no whole zip, or no source at all.
        ModuleNotFoundError: for a data set without the library, naming the extra.
    """
    few = f"give a path, or one of {', '.join(PHOTOGRAPHS)}, hf:NAME/SPLIT"
    if not source:
        raise ImageError(f"{key} is empty; {few}")
    path = Path(source).expanduser()
    if is_photograph(source) or is_packed(source):
        return [source]
    if match := DATASET.fullmatch(source):
        return [f"{source}/{index}" for index in range(len(_dataset(*match.groups())))]
    if path.is_dir():
        return [str(file) for file in list_images(path)]
    if not path.is_file():
        raise FileNotFoundError(f"{key} {source}: no such file or folder; {few}")
    is_zip = path.suffix.lower() == ".zip"
    return [f"{path}/{name}" for name in inside(path)] if is_zip else [str(path)]


def inside(place: Path) -> list[str]:
    """The pictures in a zip, or anywhere below a folder, by their sorted paths in it; hidden and
    system files aside.

    Raises:
        ImageError: where there are none, or for what is neither.
    """
    if place.is_dir():
        found = {PurePath(p.relative_to(place)) for p in place.rglob("*") if p.is_file()}
    elif place.is_file():
        try:
            found = {PurePosixPath(name) for name in _zip(place, os.getpid()).namelist()}
        except zipfile.BadZipFile as error:
            raise ImageError(f"{place} is no folder and no whole zip file of images") from error
    else:
        raise ImageError(f"{place} is neither a folder nor a zip file of images")
    hidden = {n for n in found if any(p.startswith((".", "__MACOSX")) for p in n.parts)}
    names = sorted(n.as_posix() for n in found - hidden if is_picture(n))
    if not names:
        raise ImageError(f"{place} holds no images ({', '.join(SUFFIXES)})")
    return names


def is_photograph(source: str) -> bool:
    """Whether `source` names a photograph of scikit-image, and no file of that name is there."""
    return source in PHOTOGRAPHS and not Path(source).exists()


def is_packed(source: str) -> bool:
    """Whether `source` names a picture inside a zip or a data set."""
    return bool(ITEM.fullmatch(source)) or _archive(source) is not None


def read(source: str) -> bytes:
    """The file of one picture, as it is stored.

    Raises:
        FileNotFoundError: for a file, a member or an item that is not there.
        ModuleNotFoundError: for a data set without the library, naming the extra.
    """
    if is_photograph(source):
        return (resources.files("skimage") / "data" / PHOTOGRAPHS[source][0]).read_bytes()
    if match := ITEM.fullmatch(source):
        return _item(match["name"], match["split"], int(match["index"]))
    if (found := _archive(source)) is None:
        return Path(source).expanduser().read_bytes()
    archive, member = found
    try:
        return _zip(archive, os.getpid()).read(member)
    except KeyError as error:
        raise FileNotFoundError(f"image {source}: {archive} has no {member}") from error


def name(source: str) -> str:
    """What a picture is called, and its seeds come from: the path inside its zip, its number in
    its data set, or the file's own name; without the suffix."""
    if match := ITEM.fullmatch(source):
        return f"{match['split']}/{match['index']}"
    found = _archive(source)
    return Path(source).stem if found is None else str(PurePosixPath(found[1]).with_suffix(""))


def collection(source: str) -> str:
    """What a picture is of: the data set's, the zip's or the folder's name."""
    if is_photograph(source):
        return "scikit-image"
    if match := ITEM.fullmatch(source):
        return Path(match["name"]).name
    found = _archive(source)
    return Path(source).expanduser().resolve().parent.name if found is None else found[0].stem


def _archive(source: str) -> tuple[Path, str] | None:
    path = Path(source).expanduser()
    for folder in path.parents:
        zipped = folder.suffix.lower() == ".zip" or folder.is_file() and zipfile.is_zipfile(folder)
        if zipped and folder.is_file():
            return folder, path.relative_to(folder).as_posix()
    return None


@lru_cache(maxsize=8)
def _zip(archive: Path, process: int) -> zipfile.ZipFile:
    """An open zip, one for each process: a handle is not shared with those that are forked."""
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
