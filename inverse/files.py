"""Files are written whole or not at all."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_atomic(path: str | Path, content: bytes | str) -> None:
    """Write a whole file or nothing: a temporary file in the same folder, then os.replace.

    Raises: OSError, of the kind met, when the folder is missing or cannot be written.
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
