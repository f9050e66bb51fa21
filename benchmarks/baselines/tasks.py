"""The four tasks every method is measured on, and the images: (3, H, W) in [-1, 1]."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from inverse.images import list_images, load_image
from operators import LinearOperator, blur_gaussian, downsample, inpaint_random, walsh_hadamard

SIGMA = 0.05  # standard deviation of the noise in [-1, 1] units: 0.025, or 6.4/255, on [0, 1]
Shape = Sequence[int]


def inpaint(shape: Shape, seed: int = 0) -> LinearOperator:
    """70 % of the pixels missing at random."""
    return inpaint_random(shape, keep=0.3, seed=seed)


def deblur(shape: Shape, seed: int = 0) -> LinearOperator:
    """Circular Gaussian blur, 61x61, standard deviation 3 pixels."""
    return blur_gaussian(shape, size=61, std=3.0)


def superres(shape: Shape, seed: int = 0) -> LinearOperator:
    """Means over 4x4 blocks."""
    return downsample(shape, factor=4)


def sensing(shape: Shape, seed: int = 0) -> LinearOperator:
    """25 % of the coefficients of a randomly signed Walsh-Hadamard transform."""
    return walsh_hadamard(shape, ratio=0.25, seed=seed)


TASKS: dict[str, Callable[[Shape, int], LinearOperator]] = {
    "inpaint": inpaint,
    "deblur": deblur,
    "superres": superres,
    "sensing": sensing,
}


def crops(count: int, side: int = 256, folder: str = "kodak24_500") -> Tensor:
    """(count, 3, side, side): centres of images, evenly spread over a set, by default Kodak."""
    files = list_images(Path(os.environ["INVERSE_DATA"]) / "eval" / folder)
    images = [load_image(files[i * len(files) // count]) for i in range(count)]
    return torch.stack([centre(x, side) for x in images])


def centre(x: Tensor, side: int = 256) -> Tensor:
    """The central square of an image (3, H, W)."""
    top, left = (x.shape[1] - side) // 2, (x.shape[2] - side) // 2
    return x[:, top : top + side, left : left + side]
