"""Training patches, reproducible from an index alone."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from inverse.training.data import DecodedImages, ImageSource, as_tensor

TRIES = 3  # of a patch that is not flat


class Patch(NamedTuple):
    """A patch (3, size, size) in [-1, 1] and the number of its class; or batches of both."""

    x0: Tensor
    label: Tensor


class Patches(Dataset[Patch]):
    """An endless stream of random square patches in [-1, 1], flipped and turned.

    Patch `n` depends on `(seed, n)` only: not on workers, batch size or an interruption. Each
    comes from one of the sources, all alike. Images with a side below `size` are padded by
    reflection. With `whole` images are scaled first, so that their shorter side is `size`, and
    mirrored left to right only. `classes`: names that labels count; () for none.
    `rescale`, `flat`: see `Recipe`.
    """

    def __init__(
        self,
        sources: Sequence[ImageSource | DecodedImages],
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
    """(H, W, 3) with both sides at least `size`, by reflection."""
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
    """(H, W, 3) uint8 with its shorter side scaled to `size`."""
    height, width = image.shape[:2]
    factor = size / min(height, width)
    shape = (max(size, round(width * factor)), max(size, round(height * factor)))
    return np.asarray(Image.fromarray(image).resize(shape, Image.Resampling.LANCZOS))
