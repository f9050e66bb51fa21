"""The photographs that a source names, read one at a time."""

from pathlib import Path

from torch import Tensor

from inverse.files import named
from inverse.images import (
    PHOTOGRAPHS,
    ImageError,
    list_images,
    load_image,
    sample_photograph,
    sources,
)


def photographs(source: str) -> dict[str, str]:
    """The pictures that ``source`` names, as {name: its own source}, none of them read yet.

    ``source`` is one of the photographs that come with scikit-image, a file, a folder, or a picture
    inside a zip or a Hugging Face data set (`inverse.images.sources`).

    Raises:
        FileNotFoundError: for a source that is not there; it lists the photographs.
        ImageError: for a folder without pictures, or no source at all.
    """
    if not source:
        raise ImageError(f"image is empty; give a path, or one of {', '.join(PHOTOGRAPHS)}")
    path = Path(source).expanduser()
    if path.is_dir():
        return {name: str(file) for name, file in named(list_images(path)).items()}
    if not (path.exists() or source in PHOTOGRAPHS or sources.is_packed(source)):
        raise FileNotFoundError(
            f"image {source}: no such file or folder; give a path, "
            f"or one of {', '.join(PHOTOGRAPHS)}"
        )
    return {sources.name(source): source}


def photograph(source: str, size: int | None = None) -> Tensor:
    """The one picture that a source of `photographs` names, (3, H, W) in [-1, 1].

    With ``size`` the largest central square, resized (Lanczos).

    Raises:
        FileNotFoundError, ImageError: as `load_image`.
    """
    if source in PHOTOGRAPHS and not Path(source).exists():
        return sample_photograph(source, size=size or 256)
    return load_image(source, size=size, content=sources.read(source))


def crop_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """The central part of (C, H, W) whose sides are multiples of an operator's factor.

    Raises:
        ValueError: for a factor below 1, or an image smaller than it.
    """
    if multiple < 1:
        raise ValueError(f"operator.factor must be a positive whole number, got {multiple}")
    height, width = (side - side % multiple for side in image.shape[1:])
    if not height or not width:
        raise ImageError(f"image of {tuple(image.shape[1:])} pixels is smaller than {multiple}")
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    return image[:, top : top + height, left : left + width]
