"""Reading masks, kernels and opacities from files of images and of arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from operators.core.arrays import existing, first_line, is_array, load_array

if TYPE_CHECKING:
    from PIL import Image

FEW = 16  # colours: a picture of no more is a drawing, one of more a photograph


def read_image(path: str | Path) -> tuple[Tensor, str]:
    """An image file, upright, as (H, W) float64 in [0, 1], and what 1 is: "white" or "opaque".

    It is the opacity of a white picture, or of a photograph, that is transparent in places, and
    else the grey. A file of the levels 0 and 1 alone holds these numbers.

    Raises:
        FileNotFoundError: for a file that is not there.
        ValueError: for a file that cannot be read, or a drawing that is transparent in places:
            either may be meant.
    """
    from PIL import Image, ImageOps

    path = existing(path)
    try:
        with Image.open(path) as file:
            if (pages := getattr(file, "n_frames", 1)) > 1:
                raise ValueError(f"it has {pages} pages; save the one that is meant")
            image = ImageOps.exif_transpose(file)
            opacity = None if image.mode.startswith("I") else _opacity(image)
            if opacity is None:
                return _grey(image), "white"
            drawn = _is_drawing(image, opacity)
    except Exception as error:
        raise ValueError(f"{path}: cannot be read as an image ({first_line(error)})") from error
    if drawn:
        raise ValueError(
            f"{path}: is a drawing and transparent in places, and either may be meant; save it "
            "as grey without transparency (white = 1), or all white with it (opaque = 1)"
        )
    return _levels(opacity, 255), "opaque"


def read_array(path: str | Path, key: str | None = None) -> Tensor:
    """A file as a float64 tensor: arrays (`load_array`), or an image in [0, 1] (`read_image`).

    Raises:
        FileNotFoundError: for a file that is not there.
        ValueError: as those do, and for an array of complex numbers or of none.
    """
    if not is_array(path):
        return read_image(path)[0]
    array = load_array(path, key)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{path}: must hold real numbers, got {array.dtype}")
    return torch.from_numpy(array.astype("float64"))


def _levels(values: Image.Image, white: float) -> Tensor:
    import numpy as np

    levels = torch.from_numpy(np.asarray(values, dtype=np.float64))
    return levels if levels.max() <= 1 else levels / white


def _grey(image: Image.Image) -> Tensor:
    if image.mode.startswith("I"):
        return _levels(image, 65535)
    return _levels(image, 1) if image.mode == "F" else _levels(image.convert("L"), 255)


def _opacity(image: Image.Image) -> Image.Image | None:
    """The alpha channel where it says anything."""
    if not image.has_transparency_data:
        return None
    alpha = image.convert("RGBA").getchannel("A")
    low, high = alpha.getextrema()
    return None if low == high else alpha


def _is_drawing(image: Image.Image, opacity: Image.Image) -> bool:
    """Whether what can be seen has few colours, and not only white."""
    import numpy as np

    seen = np.asarray(image.convert("RGBA"))[np.asarray(opacity) > 0]
    colours = np.unique(seen[:, :3] @ np.array([1 << 16, 1 << 8, 1]))
    return len(colours) <= FEW and list(colours) != [0xFFFFFF]
