"""The photographs that a source names, read one at a time."""

from pathlib import Path

from torch import Tensor

from inverse.files import named
from inverse.images import ImageError, load_image, sample_photograph, sources


def photographs(source: str) -> dict[str, str]:
    """The pictures that `source` names, as {name: its own source}, none of them read yet.

    Raises:
        FileNotFoundError, ImageError: as `inverse.images.sources.listed`.
    """
    found = sources.listed(source)
    if Path(source).expanduser().is_dir():
        return {name: str(file) for name, file in named([Path(file) for file in found]).items()}
    return {sources.name(file): file for file in found}


def photograph(source: str, size: int | None = None) -> Tensor:
    """The one picture that a source of `photographs` names, (3, H, W) in [-1, 1].

    With `size` the largest central square, resized (Lanczos).

    Raises:
        FileNotFoundError, ImageError: as `load_image`.
    """
    if sources.is_photograph(source):
        return sample_photograph(source, size=size or 256)
    content = sources.read(source) if sources.is_packed(source) else None
    return load_image(source, size=size, content=content)


def crop_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """The central part of (..., H, W) whose sides are multiples of what an operator asks for.

    Raises:
        ImageError: for an image that is smaller.
    """
    sides = images.shape[-2:]
    height, width = (side - side % multiple for side in sides)
    if not height or not width:
        raise ImageError(f"image of {tuple(sides)} pixels is smaller than {multiple}")
    top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
    return images[..., top : top + height, left : left + width]
