"""Reading arrays from files of NumPy, MATLAB, HDF5 and FITS; each library is loaded lazily."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operators.core.ismrmrd import is_ismrmrd, k_space

if TYPE_CHECKING:
    import numpy as np

SCANNED, HEADER = "dataset/data", "dataset/xml"  # of ISMRMRD


def is_array(path: str | Path) -> bool:
    """Whether the file's name says that it holds arrays: NumPy's, MATLAB's, HDF5 or FITS."""
    return _ending(path) in LOADERS


def load_array(path: str | Path, key: str | None = None) -> np.ndarray:
    """The array of a file, or the one called `key`, which may be left out of a single one.

    Raises:
        FileNotFoundError: for a file that is not there.
        ModuleNotFoundError: where the format's library is missing.
        ValueError: with one line, for a file that cannot be read, or whose arrays are several.
    """
    path = existing(path)
    try:
        return LOADERS[_ending(path)](path, key)
    except ModuleNotFoundError as error:
        mend = f"{error.name} is missing: pip install {error.name}"
        raise ModuleNotFoundError(mend, name=error.name) from error
    except KeyError as error:
        raise ValueError(error.args[0]) from None
    except Exception as error:
        mend = f"cannot be read ({first_line(error)}); write it by numpy.save"
        raise ValueError(f"{path}: {mend}") from error


def existing(path: str | Path) -> Path:
    """The path of a file that is there, or FileNotFoundError."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    return path


def first_line(error: Exception) -> str:
    """What an error says, on one line."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _ending(path: str | Path) -> str:
    return Path(path).suffix.lower()


def _numpy(path: Path, key: str | None) -> np.ndarray:
    import numpy as np

    with path.open("rb") as file:
        found = np.load(file, allow_pickle=False)
        return found if isinstance(found, np.ndarray) else found[_pick(path, found, key)]


def _matlab(path: Path, key: str | None) -> np.ndarray:
    from scipy.io import loadmat, matlab

    try:
        found = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    except NotImplementedError:  # version 7.3 is HDF5, its axes the other way round
        return _hdf5(path, key).T
    value = found[_pick(path, found, key)]
    if isinstance(value, matlab.mat_struct) or value.dtype == object:
        raise ValueError("holds cells or structures, no array of numbers")
    return value


def _hdf5(path: Path, key: str | None) -> np.ndarray:
    import h5py
    import numpy as np

    with h5py.File(path) as file:
        found: dict[str, h5py.Dataset] = {}
        file.visititems(lambda k, v: found.update({k: v}) if isinstance(v, h5py.Dataset) else None)
        name = key if key is not None or SCANNED not in found else SCANNED
        value: Any = np.asarray(found[_pick(path, found, name)])
        if is_ismrmrd(value):
            return k_space(value, found[HEADER][0])
    pairs = value.dtype.names is not None and set(value.dtype.names) == {"real", "imag"}
    return value["real"] + 1j * value["imag"] if pairs else value


def _fits(path: Path, key: str | None) -> np.ndarray:
    from astropy.io import fits

    value: Any = fits.getdata(path, key)
    return value.astype(value.dtype.newbyteorder("="))


LOADERS = {".npy": _numpy, ".npz": _numpy, ".mat": _matlab, ".h5": _hdf5, ".hdf5": _hdf5}
LOADERS |= {".fits": _fits, ".fit": _fits}


def _pick(path: Path, archive: Mapping[str, object], key: str | None) -> str:
    names = list(archive)
    if key is None and len(names) == 1:
        key = names[0]
    if key not in names:
        raise KeyError(f"{path}: give the key of one of its arrays ({', '.join(names)}), got {key}")
    return key
