"""The standard sets by the layouts that they are handed out in: which files, in which order.

Pictures are sorted by the numbers in their names, then by name; `size` cuts the largest central
square and resizes it (Lanczos), whatever the set.
"""

import re
from pathlib import Path
from typing import NamedTuple

from inverse.images import ImageError, is_picture


class FileLayout(NamedTuple):
    """Where a set's pictures lie below its folder: the first pattern that finds any. count: of the
    whole set."""

    patterns: tuple[str, ...]
    count: int


SMALL = ("*", "original/*", "image_SRF_4/*HR*", "HR/*")
STANDARD = {
    "ffhq": FileLayout(("[0-9]*", "[0-9]*/[0-9]*", "images1024x1024/[0-9]*/[0-9]*"), 70000),
    "imagenet": FileLayout(
        ("ILSVRC2012_val_*", "val/ILSVRC2012_val_*", "val/n*/ILSVRC2012_val_*", "n*/*"), 50000
    ),
    "celebahq": FileLayout(("[0-9]*", "CelebA-HQ-img/[0-9]*", "data*/[0-9]*", "imgHQ*"), 30000),
    "set5": FileLayout(SMALL, 5),
    "set14": FileLayout(SMALL, 14),
    "kodak": FileLayout(("kodim*", *SMALL), 24),
    "cbsd68": FileLayout(("[0-9]*", "original_png/*", "original/*", "*"), 68),
    "urban100": FileLayout(("img_*_SRF_4_HR*", "image_SRF_4/*HR*", "img*", "HR/*"), 100),
}


def files(name: str, folder: str | Path) -> list[Path]:
    """The pictures of a standard set, in its order.

    Raises:
        FileNotFoundError: where there is no such folder.
        ImageError: where no layout of the set fits.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"data {name}:{folder}: no such folder; check the path")
    for pattern in STANDARD[name].patterns:
        if found := [p for p in folder.glob(pattern) if is_picture(p) and p.is_file()]:
            return sorted(found, key=_order)
    patterns = ", ".join(STANDARD[name].patterns)
    raise ImageError(f"data {name}:{folder}: no picture fits the set's layouts ({patterns})")


def _order(path: Path) -> tuple[list[int], str]:
    return [int(number) for number in re.findall(r"\d+", path.stem)], str(path)
