"""Images to train on: of a folder or a zip, or decoded once into a file of bytes."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePath

import numpy as np
import torch
from torch import Tensor

from inverse.images import sources
from inverse.images.scans.pillow import opened


class ImageSource:
    """The images in a folder (recursively) or a zip file, by sorted name.

    Raises:
        ValueError: when there are none.
    """

    def __init__(self, path: str | Path) -> None:
        if not str(path):
            raise ValueError("images is empty; give a folder or a zip file of images")
        self.path = Path(path).expanduser()
        self.names = sources.inside(self.path)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """Image `index` as (H, W, 3) uint8."""
        content = sources.read(str(self.path / self.names[index]))
        with opened(content, PurePath(self.names[index])) as image:
            return np.asarray(image.convert("RGB"))

    def tensor(self, index: int) -> Tensor:
        """Image `index` as (3, H, W) in [-1, 1]."""
        return as_tensor(self[index])

    @cached_property
    def classes(self) -> list[str]:
        """The names of the folders that images lie in, sorted; an image's own is its class.

        Raises:
            ValueError: when an image lies in none.
        """
        parents = [Path(name).parent.name for name in self.names]
        if "" in parents:
            stray = self.names[parents.index("")]
            raise ValueError(f"{self.path}: {stray} lies in no folder that could be its class")
        return sorted(set(parents))

    def label(self, index: int, classes: Sequence[str]) -> int:
        """The place of image `index`'s class among `classes`; 0 where there are none."""
        return classes.index(Path(self.names[index]).parent.name) if classes else 0


class DecodedImages:
    """The images of a source, decoded once into a file of bytes that patches are cut from.

    Args:
        source: the images. cache: the file; made where it is missing, in its place when whole, and
            again where the source's names are others.
    """

    def __init__(self, source: ImageSource, cache: str | Path) -> None:
        self.source, self.cache = source, Path(cache)
        index = self.cache.with_suffix(".npz")
        if not self._fits(index):
            self._decode(index)
        self._shapes = np.load(index)["shapes"]
        self._starts = np.concatenate([[0], np.cumsum(np.prod(self._shapes, axis=1) * 3)])
        self._bytes: np.ndarray | None = None

    def __getstate__(self) -> dict:
        return vars(self) | {"_bytes": None}  # the file is opened where it is read

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> np.ndarray:
        """Image `index` as (H, W, 3) uint8, a view of the file."""
        if self._bytes is None:
            self._bytes = np.memmap(self.cache, np.uint8, "r")
        start, stop = self._starts[index : index + 2]
        return self._bytes[start:stop].reshape(*self._shapes[index], 3)

    def label(self, index: int, classes: Sequence[str]) -> int:
        """As `ImageSource.label`."""
        return self.source.label(index, classes)

    def _fits(self, index: Path) -> bool:
        if not (index.is_file() and self.cache.is_file()):
            return False
        return list(np.load(index)["names"]) == self.source.names

    def _decode(self, index: Path) -> None:
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        partial, shapes = self.cache.with_suffix(".partial"), []
        with partial.open("wb") as file:
            for number in range(len(self.source)):
                image = self.source[number]
                shapes.append(image.shape[:2])
                file.write(np.ascontiguousarray(image).tobytes())
        partial.replace(self.cache)
        np.savez(index, shapes=np.array(shapes), names=np.array(self.source.names))


def as_tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (3, H, W) in [-1, 1]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div_(127.5).sub_(1)
