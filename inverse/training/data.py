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


class Patch(NamedTuple):
    """A patch (3, size, size) in [-1, 1] and the number of its class; or batches of both."""

    x0: Tensor
    label: Tensor


class Patches(Dataset[Patch]):
    """An endless stream of random square patches in [-1, 1], flipped and turned.

    Patch ``n`` depends on ``(seed, n)`` only: not on workers, batch size or an interruption.
    Images with a side below ``size`` are padded by reflection. With ``whole`` images are scaled
    first, so that their shorter side is ``size``, and mirrored left to right only.
    ``classes``: names that labels count; () for none.
    """

    def __init__(
        self,
        source: ImageSource,
        size: int,
        seed: int,
        count: int,
        whole: bool = False,
        classes: Sequence[str] = (),
    ) -> None:
        self.source, self.size, self.seed, self.count = source, size, seed, count
        self.whole, self.classes = whole, classes

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Patch:
        draw = np.random.default_rng((self.seed, index))
        place = int(draw.integers(len(self.source)))
        image = self.source[place]
        image = scaled(image, self.size) if self.whole else image
        short = [max(self.size - side, 0) for side in image.shape[:2]]
        if any(short):
            image = np.pad(image, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")
        top, left = (int(draw.integers(s - self.size + 1)) for s in image.shape[:2])
        patch = image[top : top + self.size, left : left + self.size]
        patch = patch if self.whole else np.rot90(patch, int(draw.integers(4)))
        if draw.integers(2):
            patch = patch[:, ::-1]
        label = self.source.label(place, self.classes)
        return Patch(as_tensor(patch), torch.tensor(label))


def scaled(image: np.ndarray, size: int) -> np.ndarray:
    """(H, W, 3) uint8 with its shorter side scaled to ``size``."""
    height, width = image.shape[:2]
    factor = size / min(height, width)
    shape = (max(size, round(width * factor)), max(size, round(height * factor)))
    return np.asarray(Image.fromarray(image).resize(shape, Image.Resampling.LANCZOS))


def as_tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (3, H, W) in [-1, 1]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div_(127.5).sub_(1)
