"""Where LPIPS finds its backbone: a given path, the data pack, torch's cache, or the network."""

import os
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from urllib.request import urlopen
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from inverse.files import write_atomic

SITE = "https://download.pytorch.org/models/"
FILES = {  # torchvision's names; the last eight hexadecimal digits begin the file's SHA-256
    "alex": "alexnet-owt-7be5be79.pth",
    "squeeze": "squeezenet1_1-b8a52dc0.pth",
    "vgg": "vgg16-397923af.pth",
}
DATA_VARIABLE = "INVERSE_DATA"
UNREADABLE = (OSError, ValueError, TypeError, EOFError, RuntimeError, BadZipFile, UnpicklingError)
TIMEOUT = 10.0  # seconds without an answer before a download is given up


class Unavailable(RuntimeError):
    """A measure lacks its weights or its library; the message is one line and names the mend."""


def find_weights(net: str, weights: str | Path | None = None, download: bool = False) -> Path:
    """The first file that exists of

    1. `weights`, a file, or a folder holding lpips_<net>_v0.1.npz or torchvision's file; when
       given, nothing else is searched;
    2. $INVERSE_DATA/weights/lpips/, likewise;
    3. torch's own cache, $TORCH_HOME/hub/checkpoints/ (~/.cache/torch by default);
    4. with `download`, torchvision's site, stored into that cache.

    Raises:
        Unavailable: when there is none.
    """
    names = (f"lpips_{net}_v0.1.npz", FILES[net])
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    data = os.environ.get(DATA_VARIABLE)
    if weights is not None:
        folders = [Path(weights)]
    else:
        folders = [Path(data) / "weights" / "lpips"] if data else []
        folders.append(cache)
    files = [f for top in folders for f in (top, *(top / name for name in names)) if f.is_file()]
    if files:
        return files[0]
    if download and weights is None:
        return _fetch(net, cache / FILES[net])
    raise Unavailable(
        f"LPIPS({net}): no backbone weights in {' or '.join(map(str, folders))}; fetch "
        f"{SITE}{FILES[net]} to {cache / FILES[net]}, or name a file or folder as weights"
    )


def read_weights(net: str, path: Path) -> dict[str, Tensor]:
    """Read an .npz or a torch state dict of tensors.

    Raises:
        Unavailable: if it is corrupt.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                return {name: torch.from_numpy(arrays[name]) for name in arrays}
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except UNREADABLE as error:
        raise Unavailable(
            f"LPIPS({net}): cannot read {path} ({type(error).__name__}); delete it and fetch "
            f"{SITE}{FILES[net]} again, or name another file as weights"
        ) from error


def _fetch(net: str, target: Path) -> Path:
    """Download torchvision's file, check its hash, store it.

    Raises:
        Unavailable: when that fails.
    """
    url = SITE + FILES[net]
    try:
        with urlopen(url, timeout=TIMEOUT) as answer:
            content = answer.read()
        if not sha256(content).hexdigest().startswith(target.stem[-8:]):
            raise OSError("the file that came has another hash")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, content)
    except OSError as error:
        line = f"LPIPS({net}): cannot fetch {url} to {target} ({error}); fetch it by other means"
        raise Unavailable(line) from error
    return target
