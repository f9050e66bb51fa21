"""Who may import whom, and what importing the packages costs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {  # from the ground up: a room may import what stands in a line above its own
    "operators": [
        {"solve"},
        {"core"},
        {"problem", "blurs", "masks"},
        {"resolution", "sensing", "medical", "colour", "nonlinear", "video", "interop"},
    ],
    "inverse": [
        {"files", "levels"},
        {"images", "denoise"},
        {"priors"},
        {"starts", "steps", "flows", "transitions"},
        {"samplers"},
        {"solving", "metrics"},
        {"solvers"},
        {"restoring", "training", "certifying"},
        {"benchmarking"},
        {"demo"},
        {"apps"},
    ],
}
BASES = ("operator.py", "linear.py", "spectral.py", "denoisers.py")


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


FILES = [path for package in ROOMS for path in modules(package)]
IDS = [str(path.relative_to(ROOT)) for path in FILES]


def imports(path: Path) -> set[str]:
    """The modules that a file imports, names imported from a package among them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def is_module(package: str | None, name: str) -> bool:
    place = ROOT.joinpath(*(package or "").split("."), name)
    return place.is_dir() or place.with_suffix(".py").is_file()


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_room_imports_only_what_stands_before_it(path):
    package, room, *_ = path.relative_to(ROOT).with_suffix("").parts
    if room == "__init__":
        return
    floors = ROOMS[package]
    below = set().union(*floors[: next(k for k, floor in enumerate(floors) if room in floor)])
    everywhere = set().union(*floors)
    used = {m.split(".")[1] for m in imports(path) if m.startswith(package + ".")} & everywhere
    assert used <= below | {room}, f"{room} imports {used - below - {room}}"
    if package == "operators":
        assert not {m for m in imports(path) if m.split(".")[0] in ("inverse", "hydra")}


@pytest.mark.parametrize("package", ROOMS)
def test_every_file_lies_in_a_room(package):
    rooms = {path.relative_to(ROOT / package).parts[0] for path in modules(package)}
    assert rooms == set().union(*ROOMS[package]) | {"__init__.py"}


@pytest.mark.parametrize("path", [p for p in FILES if p.name == "__init__.py"], ids=str)
def test_no_module_is_hidden_by_a_name_of_its_room(path):
    """`import room.thing` must give the module, not what the room exports under its name."""
    body = ast.parse(path.read_text()).body
    names = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in body:
        if isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name for a in node.names if not is_module(node.module, a.name)}
    beside = {p.stem for p in path.parent.iterdir() if p.suffix == ".py" or p.is_dir()}
    hidden = names & beside
    assert not hidden


def test_tests_lie_in_folders_named_as_the_rooms():
    folder = ROOT / "tests" / "inverse"
    folders = {path.parent.name for path in folder.rglob("test_*.py")} - {"inverse"}
    assert folders <= set().union(*ROOMS["inverse"])
    assert {path.name for path in folder.glob("test_*.py")} == {"test_face.py"}


def test_what_tests_share_stands_in_no_test():
    for path in (ROOT / "tests").rglob("*.py"):
        assert not [name for name in imports(path) if ".test_" in f".{name}"], path


def test_transforms_take_an_empty_batch_as_all_are_of_operators_core_fft():
    called = re.compile(r"torch\.fft\.i?[rh]?fft[2n]?\(|torch\.fft import .*\bi?[rh]?fft[2n]?\b")
    assert [path.name for path in FILES if called.search(path.read_text())] == []


def test_importing_is_light():
    code = """if True:
        import sys

        def those(heavy):
            return sorted(set(heavy.split()) & {name.split(".")[0] for name in sys.modules})

        import operators
        print(those("hydra omegaconf diffusers lpips torchvision kornia scipy PIL skimage inverse"))
        import inverse.solvers, inverse.priors
        print(those("hydra diffusers lpips kornia torchvision torchmetrics deepinv pylops scipy"))
        import inverse.metrics
        print(those("lpips torchvision torchmetrics skimage"))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines() == ["[]"] * 3, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_files_stay_small(path):
    lines = len(path.read_text().splitlines())
    assert lines <= (400 if path.name in BASES else 200), f"{path.name} has {lines} lines"
