"""Training patches from a folder or a zip of images, reproducible from an index alone."""

import io
import os
import zipfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

TRIES = 3  # of a patch that is not flat
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


class ImageSource:
    """The images in a folder (recursively) or a zip file, by sorted name.

    Raises:
        ValueError: when there are none.
    """

    def __init__(self, path: str | Path) -> None:
        if not str(path):
            raise ValueError("images is empty; give a folder or a zip file of images")
        self.path = Path(path).expanduser()
        if self.path.is_dir():
            names = (str(p.relative_to(self.path)) for p in self.path.rglob("*") if p.is_file())
        elif zipfile.is_zipfile(self.path):
            names = zipfile.ZipFile(self.path).namelist()
        else:
            raise ValueError(f"{self.path} is neither a folder nor a zip file of images")
        self.names = sorted(n for n in names if n.lower().endswith(SUFFIXES))
        if not self.names:
            raise ValueError(f"{self.path} holds no images ({', '.join(SUFFIXES)})")
        self._open: tuple[int, zipfile.ZipFile] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """Image ``index`` as (H, W, 3) uint8."""
        name = self.names[index]
        file = io.BytesIO(self._zip().read(name)) if self.path.is_file() else self.path / name
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB"))

    def tensor(self, index: int) -> Tensor:
        """Image ``index`` as (3, H, W) in [-1, 1]."""
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
        """The place of image ``index``'s class among ``classes``; 0 where there are none."""
        return classes.index(Path(self.names[index]).parent.name) if classes else 0

    def __getstate__(self) -> dict:
        return vars(self) | {"_open": None}  # a handle is one process's; workers may be spawned

    def _zip(self) -> zipfile.ZipFile:
        if self._open is None or self._open[0] != os.getpid():  # a handle per worker process
            self._open = (os.getpid(), zipfile.ZipFile(self.path))
        return self._open[1]


class Decoded:
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
        """Image ``index`` as (H, W, 3) uint8, a view of the file."""
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


class Patch(NamedTuple):
    """A patch (3, size, size) in [-1, 1] and the number of its class; or batches of both."""

    x0: Tensor
    label: Tensor


class Patches(Dataset[Patch]):
    """An endless stream of random square patches in [-1, 1], flipped and turned.

    Patch ``n`` depends on ``(seed, n)`` only: not on workers, batch size or an interruption. Each
    comes from one of the sources, all alike. Images with a side below ``size`` are padded by
    reflection. With ``whole`` images are scaled first, so that their shorter side is ``size``, and
    mirrored left to right only. ``classes``: names that labels count; () for none.
    ``rescale``, ``flat``: see `Recipe`.
    """

    def __init__(
        self,
        sources: Sequence[ImageSource | Decoded],
        size: int,
        seed: int,
        count: int,
        whole: bool = False,
        classes: Sequence[str] = (),
        rescale: float = 1.0,
        flat: float = 0.0,
    ) -> None:
        self.sources, self.size, self.seed, self.count = sources, size, seed, count
        self.whole, self.classes = whole, classes
        self.rescale, self.flat = rescale, flat

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Patch:
        draw = np.random.default_rng((self.seed, index))
        for _ in range(TRIES if self.flat else 1):
            patch, label = self._cut(draw)
            if not self.flat or detail(patch) >= self.flat:
                break
        return Patch(as_tensor(patch), torch.tensor(label))

    def _cut(self, draw: np.random.Generator) -> tuple[np.ndarray, int]:
        source = self.sources[int(draw.integers(len(self.sources)))]
        place = int(draw.integers(len(source)))
        image, side = source[place], self.size
        if self.whole:
            image = scaled(image, side)
        elif self.rescale < 1 and draw.integers(2):
            most = min(round(side / draw.uniform(self.rescale, 1)), *image.shape[:2])
            side = max(side, most)
        image = padded(image, side)
        top, left = (int(draw.integers(s - side + 1)) for s in image.shape[:2])
        patch = image[top : top + side, left : left + side]
        patch = patch if side == self.size else scaled(patch, self.size)
        patch = patch if self.whole else np.rot90(patch, int(draw.integers(4)))
        if draw.integers(2):
            patch = patch[:, ::-1]
        return patch, source.label(place, self.classes)


def padded(image: np.ndarray, size: int) -> np.ndarray:
    """(H, W, 3) with both sides at least ``size``, by reflection."""
    short = [max(size - side, 0) for side in image.shape[:2]]
    if not any(short):
        return image
    return np.pad(image, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")


def detail(patch: np.ndarray) -> float:
    """The mean standard deviation of blocks of 8 x 8 pixels, on the range [-1, 1]."""
    side = patch.shape[0] // 8 * 8
    grey = patch[:side, :side].mean(axis=2, dtype=np.float32) / 127.5
    blocks = grey.reshape(side // 8, 8, side // 8, 8).swapaxes(1, 2)
    return float(blocks.std(axis=(2, 3)).mean())


def scaled(image: np.ndarray, size: int) -> np.ndarray:
    """(H, W, 3) uint8 with its shorter side scaled to ``size``."""
    height, width = image.shape[:2]
    factor = size / min(height, width)
    shape = (max(size, round(width * factor)), max(size, round(height * factor)))
    return np.asarray(Image.fromarray(image).resize(shape, Image.Resampling.LANCZOS))


def as_tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (3, H, W) in [-1, 1]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div_(127.5).sub_(1)
