"""Training patches from a folder or a zip of images, reproducible from an index alone."""

import io
import os
import zipfile
from pathlib import Path

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
        self.path = Path(path)
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

    def _zip(self) -> zipfile.ZipFile:
        if self._open is None or self._open[0] != os.getpid():  # a handle per worker process
            self._open = (os.getpid(), zipfile.ZipFile(self.path))
        return self._open[1]


class Patches(Dataset[Tensor]):
    """An endless stream of random square patches (3, size, size) in [-1, 1], flipped and turned.

    Patch ``n`` depends on ``(seed, n)`` only: not on workers, batch size or an interruption.
    Images with a side below ``size`` are padded by reflection.
    """

    def __init__(self, source: ImageSource, size: int, seed: int, count: int) -> None:
        self.source, self.size, self.seed, self.count = source, size, seed, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        draw = np.random.default_rng((self.seed, index))
        image = self.source[int(draw.integers(len(self.source)))]
        short = [max(self.size - side, 0) for side in image.shape[:2]]
        if any(short):
            image = np.pad(image, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")
        top, left = (int(draw.integers(s - self.size + 1)) for s in image.shape[:2])
        patch = image[top : top + self.size, left : left + self.size]
        patch = np.rot90(patch, int(draw.integers(4)))
        if draw.integers(2):
            patch = patch[:, ::-1]
        return as_tensor(patch)


def as_tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (3, H, W) in [-1, 1]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div_(127.5).sub_(1)
