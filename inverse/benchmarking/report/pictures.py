"""Pictures inside the page: each once, as a style rule, however often it is shown."""

import base64
import io
from pathlib import Path

from PIL import Image

QUALITY = 90  # WebP, for pages that load on a phone; what was scored lies in images/


class Album:
    """Pictures by number, as CSS classes ``p0``, ``p1``, … with the file as a data URI."""

    def __init__(self) -> None:
        self._numbers: dict[Path, int] = {}

    def add(self, folder: str, name: object) -> str | None:
        """The class of a picture below a folder; None where none was kept."""
        if not isinstance(name, str) or not (path := Path(folder) / name).is_file():
            return None
        return f"p{self._numbers.setdefault(path, len(self._numbers))}"

    def rules(self) -> str:
        """The style rules of all pictures added."""
        return "\n".join(
            f".p{number}{{background-image:url({_data(path)})}}"
            for path, number in self._numbers.items()
        )


def _data(path: Path) -> str:
    buffer = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(buffer, format="webp", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
