"""Whom to cite: the BibTeX of the papers that a solver's docstring names."""

import difflib
import inspect
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

BIBLIOGRAPHY = Path(__file__).with_name("citations.bib")


def cite(solver: str | Callable) -> str:
    """The BibTeX entries of the papers behind a solver: its name, its factory or a partial of it.

    The papers are those that the factory's docstring names, by arXiv id, OpenReview id or title;
    the entries come from `inverse/citations.bib`.

        print(inverse.cite("dps"))

    Raises:
        ValueError: for an unknown name, or a solver whose docstring names no entry.
    """
    factory = _by_name(solver) if isinstance(solver, str) else solver
    while isinstance(factory, partial):
        factory = factory.func
    text = _flat(inspect.getdoc(factory) or "")
    found = [entry for entry in entries() if any(mark in text for mark in marks(entry))]
    if not found:
        name = getattr(factory, "__name__", repr(factory))
        raise ValueError(f"cite: no paper known for {name}; add it to {BIBLIOGRAPHY.name}")
    return "\n\n".join(found)


def entries() -> list[str]:
    """The entries of the bibliography, as they stand."""
    return [entry.strip() for entry in BIBLIOGRAPHY.read_text("utf-8").split("\n\n")]


def marks(entry: str) -> list[str]:
    """What names an entry in a docstring: its identifiers as written there, and its title."""
    fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", entry, re.MULTILINE))
    found = [f"arxiv:{fields['eprint']}"] if "eprint" in fields else []
    if "openreview.net/forum?id=" in fields.get("url", ""):
        found.append(f"openreview:{fields['url'].split('id=')[1]}".lower())
    return [*found, _flat(re.sub(r"[{}]", "", fields["title"]))]


def _flat(text: str) -> str:
    return " ".join(text.split()).lower()


def _by_name(name: str) -> Callable:
    from inverse import solvers

    if name not in solvers.__all__:
        near = difflib.get_close_matches(name, solvers.__all__, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"cite: no solver {name!r}; {hint}choose one of {', '.join(solvers.__all__)}"
        )
    return getattr(solvers, name)
