"""Files are written whole or not at all; JSON that every reader takes; names of their own."""

import json
import math
import os
import secrets
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["as_json", "named", "new_folder", "write_atomic"]


def write_atomic(path: str | Path, content: bytes | str) -> None:
    """Write a whole file or nothing: a temporary file in the same folder, then os.replace.

    Raises:
        OSError: of the kind met, when the folder is missing or cannot be written.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"cannot write {path} ({reason}); give a folder that exists and is writable"
        raise type(error)(message) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def as_json(value: Any, indent: int = 2) -> str:
    """Plain values as JSON text: a number that is not finite becomes null.

    Reference: RFC 8259, section 6 (Infinity and NaN are no numbers of JSON).
    """
    return json.dumps(_finite(value), indent=indent, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def named(files: Sequence[Path]) -> dict[str, Path]:
    """The files of one folder by the names that their results get: stems, where these tell them
    apart on every file system, else whole names (x.jpg and x.png; X.png and x.png)."""
    taken = Counter(file.stem.casefold() for file in files)
    taken.update(file.name.casefold() for file in files if file.suffix)
    return {f.stem if taken[f.stem.casefold()] == 1 else f.name: f for f in files}


def new_folder(path: str | Path) -> Path:
    """Make a folder that nobody else has: `path`, or `path-2`, `path-3`, … where it is taken.

    Of several processes that ask at once each gets its own.

    Raises:
        OSError: of the kind met, when it cannot be made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    name, number = path.name, 1
    while True:
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
            path = path.with_name(f"{name}-{number}")
        else:
            return path
