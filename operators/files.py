"""Reading masks and kernels from image and NumPy files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor


def read_array(path: str | Path, key: str | None = None) -> Tensor:
    """A file as a float64 tensor: .npy, one array of an .npz, or an image as grey in [0, 1].

    key: which array of an .npz; may be left out where there is only one. Raises
    FileNotFoundError, and ValueError with one line for a file that cannot be read.
    """
    import numpy as np

    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                array = _pick(path, archive, key)
        elif path.suffix == ".npy":
            array = np.load(path, allow_pickle=False)
        else:
            array = _grey(path)
        return torch.from_numpy(np.asarray(array, dtype=np.float64))
    except KeyError as error:
        raise ValueError(error.args[0]) from None
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path}: cannot be read as an array or image ({reason})") from error


def _pick(path: Path, archive, key: str | None):  # noqa: ANN001, ANN202
    names = list(archive.keys())
    if key is None and len(names) == 1:
        key = names[0]
    if key not in names:
        raise KeyError(f"{path}: give the key of one of its arrays ({', '.join(names)}), got {key}")
    return archive[key]


def _grey(path: Path):  # noqa: ANN202
    import numpy as np
    from PIL import Image

    with Image.open(path) as image:
        if image.mode.startswith("I") or image.mode == "F":
            array = np.asarray(image, dtype=np.float64)
            return array / (65535.0 if image.mode.startswith("I") else 1.0)
        return np.asarray(image.convert("L"), dtype=np.float64) / 255.0
