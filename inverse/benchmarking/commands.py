"""Overrides as one types them: quoted for Hydra where it needs it, and for the shell."""

import re
import shlex
from typing import Any

PLAIN = re.compile(r"(\.{0,2}/)?[A-Za-z_][\w./+-]*(:[\w./+-]+)*", re.ASCII)
WORDS = ("null", "true", "false", "inf", "nan")  # that Hydra reads as something else than text


def override(key: str, value: Any) -> str:
    """`key=value` for a command line, which comes back as the same value whatever it holds."""
    return shlex.quote(f"{key}={_hydra(value)}")


def quoted(text: str) -> str:
    r"""Text as a quoted value of Hydra's grammar: "text".

    Backslashes stand for themselves there, but for those before a quotation mark, which are
    doubled, and the one more that keeps the mark from ending the value.
    """
    return '"' + re.sub(r'(\\*)("|\Z)', lambda m: 2 * m[1] + ("\\" * bool(m[2])) + m[2], text) + '"'


def _hydra(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_hydra, value))}]"
    if not isinstance(value, str):
        return str(value)
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return quoted(re.sub(r"(\\*)\$\{", r"\1\1\\${", value))  # no interpolation is meant
