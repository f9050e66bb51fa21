"""One dialect: how docstrings and public names are written (CONTRIBUTING says how)."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(path for room in ("operators", "inverse") for path in (ROOT / room).rglob("*.py"))
IDS = [str(path.relative_to(ROOT)) for path in FILES]
FACES = [path for path in FILES if path.name == "__init__.py" and path.parent.parent != ROOT]
TWICE = {"resample"}  # an operator, and the paper's solver: the command line keeps them apart

FORMULA = re.compile(r"`|\S+ (=|<-|~|->) ")
PROSE = re.compile(r"\bRaises:? [A-Z]\w+")
SIGNS = re.compile("[Ͱ-Ͽ←-⋿ᵀ⁺⁻²‖]|``")  # Greek, mathematical signs, a second dialect's backticks


def docstrings(path: Path) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if doc := ast.get_docstring(node):
                yield node, doc


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_the_docstring_of_a_public_class_begins_with_a_sentence(path):
    for node, doc in docstrings(path):
        if isinstance(node, ast.ClassDef) and node.name[0] != "_":
            first = " ".join(doc.split("\n\n")[0].split())
            assert first[0].isupper() and first[-1] in ".:", f"{node.name}: {first}"
            assert not FORMULA.match(first), f"{node.name}: {first}"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_errors_have_a_section_and_formulas_are_ascii_in_single_backticks(path):
    for node, doc in docstrings(path):
        name = getattr(node, "name", path.name)
        assert not PROSE.search(doc), f"{name}: write a section Raises:"
        assert not SIGNS.search(doc), f"{name}: {SIGNS.findall(doc)}"


def test_a_name_on_a_face_is_on_no_other():
    homes: dict[str, set[object]] = {}
    for path in FACES:
        face = importlib.import_module(".".join(path.parent.relative_to(ROOT).parts))
        for name in getattr(face, "__all__", ()):
            value = getattr(face, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                homes.setdefault(name, set()).add(value)
    assert {name for name, values in homes.items() if len(values) > 1} == TWICE
