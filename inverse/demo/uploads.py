"""What visitors may ask for, and uploaded files, which may hold anything."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from inverse.images import load_image, save_image


class Refused(ValueError):
    """A visitor asked for what is not to be had; the message is for the visitor."""


@dataclass(frozen=True)
class Limits:
    """What one visitor, and all of them together, may ask for (see conf/demo.yaml)."""

    megabytes: float = 20
    megapixels: float = 40
    samples: int = 4
    seconds: float = 120
    waiting: int = 16
    visitors: int = 16
    minutes: float = 60


FORMATS = ("PNG", "JPEG", "WEBP")
SIDE = 1024  # pixels that are kept of an upload along its longer side


def accept(path: str | Path, target: Path, limits: Limits) -> None:
    """Write an uploaded picture, turned upright and shrunk to at most SIDE, as the PNG `target`.

    Size and format are looked at before anything is decoded.

    Raises:
        Refused: for a file that is too large, has too many pixels, or is no whole picture.
    """
    size = Path(path).stat().st_size
    if size > limits.megabytes * 1e6:
        raise Refused(
            f"the file has {size / 1e6:.1f} MB; at most {limits.megabytes:g} MB are taken"
        )
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > limits.megapixels * 1e6:
                raise Image.DecompressionBombError
            small = picture
            if picture.mode not in ("L", "RGB", "RGBA", "I;16"):
                small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
            small.thumbnail((SIDE, SIDE))
            ImageOps.exif_transpose(small).save(target, format="PNG")
        load_image(target)
    except Image.DecompressionBombError as error:
        most = f"{limits.megapixels:g} megapixels"
        raise Refused(f"the picture has more than {most}; make it smaller first") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        target.unlink(missing_ok=True)
        raise Refused(
            "this file cannot be read as a picture; give a whole PNG, JPEG or WebP file"
        ) from error


def square(source: Path, target: Path, size: int) -> None:
    """Write the largest central square of `source`, size x size pixels, to `target`."""
    save_image(load_image(source, size=size), target)
