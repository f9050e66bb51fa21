"""Overrides as one types them: quoted for Hydra where it needs it, and for the shell."""

import re
import shlex
from typing import Any

PLAIN = re.compile(r"[\w./:+-]+")


def override(key: str, value: Any) -> str:
    """``key=value`` for a command line."""
    return shlex.quote(f"{key}={_hydra(value)}")


def _hydra(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_hydra, value))}]"
    text = str(value)
    if PLAIN.fullmatch(text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
