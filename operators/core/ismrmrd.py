"""k-space out of ISMRMRD's HDF5: lines as they were acquired, put where they belong.

Reference: Inati et al., 2017, doi:10.1002/mrm.26089 (the format); https://ismrmrd.readthedocs.io.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    import numpy as np

OTHERS = sum(1 << (bit - 1) for bit in (19, 23, 24, 27, 28, 29, 30))  # noise, navigators, dummies
SINGLE = ("kspace_encode_step_2", "contrast", "phase", "repetition", "set")


def is_ismrmrd(value: Any) -> bool:
    """Whether an array of an HDF5 file holds acquisitions."""
    return value.dtype.names is not None and {"head", "data"} <= set(value.dtype.names)


def k_space(acquisitions: np.ndarray, header: str | bytes) -> np.ndarray:
    """Cartesian lines as (coils, H, W) or (slices, coils, H, W) complex.

    Frequency zero is in the middle. The sides are the encoded ones, oversampling and all; averages
    are averaged; what was not acquired is 0.

    Args:
        acquisitions: with the fields head and data. header: the file's XML.

    Raises:
        ValueError: for a trajectory that is not Cartesian, three-dimensional encoding, and several
            contrasts, phases, repetitions or sets.
    """
    import numpy as np

    height, width, middle = _encoding(header)
    head = acquisitions["head"]
    lines = acquisitions[(head["flags"] & OTHERS) == 0]
    if not len(lines):
        raise ValueError("holds no lines of an image")
    where, coils = lines["head"]["idx"], int(lines["head"]["active_channels"][0])
    for name in SINGLE:
        if len(np.unique(where[name])) > 1:
            raise ValueError(f"holds several of {name}; write the k-space of one by numpy.save")
    z = np.zeros((int(where["slice"].max()) + 1, coils, height, width), np.complex64)
    count = np.zeros((len(z), height, width), np.float32)
    rows = where["kspace_encode_step_1"].astype(int) - middle + height // 2
    for line, page, row in zip(lines, where["slice"], rows, strict=True):
        at, values = _placed(line, coils, width)
        z[page, :, row, at] += values
        count[page, row, at] += 1
    z /= np.maximum(count, 1)[:, None]
    return z if len(z) > 1 else z[0]


def _encoding(header: str | bytes) -> tuple[int, int, int]:
    """Rows, columns, and which step is the middle one."""
    root = ElementTree.fromstring(header)
    kind = root.findtext(".//{*}trajectory", "cartesian")
    sides = [root.findtext(f".//{{*}}encodedSpace/{{*}}matrixSize/{{*}}{k}") for k in "xyz"]
    if kind.lower() != "cartesian" or None in sides or int(sides[2] or 1) > 1:
        raise ValueError(
            f"is of {kind} trajectory and {sides} samples; only flat Cartesian is read"
        )
    width, height = int(sides[0] or 0), int(sides[1] or 0)
    middle = root.findtext(".//{*}kspace_encoding_step_1/{*}center")
    return height, width, height // 2 if middle is None else int(middle)


def _placed(line: np.void, coils: int, width: int) -> tuple[slice, np.ndarray]:
    """The columns of a line, and its values (coils, columns)."""
    import numpy as np

    head = line["head"]
    values = np.asarray(line["data"], np.float32).view(np.complex64).reshape(coils, -1)
    first, last = int(head["discard_pre"]), values.shape[1] - int(head["discard_post"])
    start = width // 2 - int(head["center_sample"]) + first
    return slice(start, start + last - first), values[:, first:last]
