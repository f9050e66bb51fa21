"""Reading masks, kernels and opacities from image and NumPy files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

FEW = 16  # colours: a picture of no more is a drawing, one of more a photograph


def is_numpy(path: str | Path) -> bool:
    """Whether the file's name says that it is one of NumPy's."""
    return Path(path).suffix.lower() in (".npy", ".npz")


def read_numpy(path: str | Path, key: str | None = None) -> np.ndarray:
    """The array of a .npy file, or array `key` of an .npz, which may be left out of a single one.

    Raises:
        FileNotFoundError: for a file that is not there.
        ValueError: with one line, for a file that cannot be read.
    """
    import numpy as np

    path = _existing(path)
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            return found if isinstance(found, np.ndarray) else _pick(path, found, key)
    except KeyError as error:
        raise ValueError(error.args[0]) from None
    except Exception as error:
        reason = f"cannot be read ({_first_line(error)}); write it by numpy.save"
        raise ValueError(f"{path}: {reason}") from error


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

    path = _existing(path)
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
            opacity = None if image.mode.startswith("I") else _opacity(image)
            if opacity is None:
                return _grey(image), "white"
            drawn = _is_drawing(image, opacity)
    except Exception as error:
        raise ValueError(f"{path}: cannot be read as an image ({_first_line(error)})") from error
    if drawn:
        raise ValueError(
            f"{path}: is a drawing and transparent in places, and either may be meant; save it "
            "as grey without transparency (white = 1), or all white with it (opaque = 1)"
        )
    return _levels(opacity, 255), "opaque"


def read_array(path: str | Path, key: str | None = None) -> Tensor:
    """A file as a float64 tensor: of NumPy (`read_numpy`), or an image in [0, 1] (`read_image`).

    Raises:
        FileNotFoundError: for a file that is not there.
        ValueError: as those do, and for an array of complex numbers or of none.
    """
    if not is_numpy(path):
        return read_image(path)[0]
    array = read_numpy(path, key)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{path}: must hold real numbers, got {array.dtype}")
    return torch.from_numpy(array.astype("float64"))


def _existing(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    return path


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _pick(path: Path, archive: np.lib.npyio.NpzFile, key: str | None) -> np.ndarray:
    names = list(archive.keys())
    if key is None and len(names) == 1:
        key = names[0]
    if key not in names:
        raise KeyError(f"{path}: give the key of one of its arrays ({', '.join(names)}), got {key}")
    return archive[key]


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
