"""The photographs a benchmark runs on: where they come from, their hash, their pixels."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path

from torch import Tensor

from inverse.images import PHOTOGRAPHS, ImageError, list_images
from inverse.restoration import photographs


@dataclass(frozen=True)
class Picture:
    """One photograph, not yet read.

    Attributes:
        dataset: the folder's name. name: the file's, without suffix; its seeds come from it.
        source: what ``inverse restore image=`` takes. digest: SHA-256 of the file.
    """

    dataset: str
    name: str
    source: str
    digest: str

    def load(self, size: int | None) -> Tensor:
        """(3, H, W) in [-1, 1]; with ``size`` the largest central square, resized (Lanczos).

        Raises:
            FileNotFoundError, ImageError: as `load_image`.
        """
        return photographs(self.source, size)[self.name]


def find(sources: Iterable[str]) -> list[Picture]:
    """The pictures that ``sources`` name: photographs of scikit-image, files, folders of files.

    Raises:
        FileNotFoundError: for a source that is none of them.
        ImageError: for an empty folder, or two pictures of one name, as their rows would be.
    """
    found = []
    for source in sources:
        path = Path(source).expanduser()
        if source in PHOTOGRAPHS and not path.exists():
            file = resources.files("skimage") / "data" / PHOTOGRAPHS[source][0]
            digest = sha256(file.read_bytes()).hexdigest()
            found.append(Picture("scikit-image", source, source, digest))
        elif path.is_file():
            found.append(_picture(path))
        elif path.is_dir():
            found += map(_picture, list_images(path))
        else:
            few = ", ".join(PHOTOGRAPHS)
            raise FileNotFoundError(f"data {source}: no file, no folder and none of {few}")
    for name, count in Counter((p.dataset, p.name) for p in found).items():
        if count > 1:
            raise ImageError(f"data: {count} pictures are called {'/'.join(name)}; rename them")
    return found


def _picture(path: Path) -> Picture:
    digest = sha256(path.read_bytes()).hexdigest()
    return Picture(path.resolve().parent.name, path.stem, str(path), digest)
