"""How the notebooks show pictures: labelled rows of them as one small JPEG."""

import io
from collections.abc import Sequence

from IPython.display import Image, display

from inverse.images import Tile, panel


def show(*rows: Sequence[Tile], size: int = 144) -> None:
    """Rows of `Tile`s, each a title, a picture (C, H, W) in [-1, 1] and perhaps a caption."""
    data = io.BytesIO()
    panel(*rows, size=size).save(data, format="jpeg", quality=85)
    display(Image(data.getvalue(), format="jpeg"))
