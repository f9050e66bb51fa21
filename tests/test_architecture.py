"""Who may import whom, and what importing the packages costs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOUNDATION = {"levels", "grids", "denoise", "equivariant", "needs", "splitting", "starts"}
ALLOWED = {  # part of inverse -> parts of inverse it may import
    "adam": set(),
    "autoencoder": set(),
    "latent": {"autoencoder", "grids", "levels", "needs", "sampler", "starts"},
    "levels": set(),
    "citing": {"solvers"},
    "files": set(),
    "seeds": set(),
    "grids": {"levels"},
    "splitting": set(),
    "needs": set(),
    "denoise": {"levels", "needs"},
    "equivariant": {"denoise", "levels", "needs"},
    "linear": {"levels", "needs"},
    "starts": {"levels", "linear", "needs"},
    "encoding": {"denoise", "grids", "levels", "needs", "starts"},
    "priors": {"autoencoder", "denoise", "levels", "files", "needs"},
    "steps": {"autoencoder", "denoise", "levels", "linear", "needs"},
    "flows": {"autoencoder", "denoise", "levels", "linear", "needs"},
    "transitions": {"denoise", "levels", "linear", "needs"},
    "sampler": {"denoise", "grids", "levels", "needs", "transitions"},
    "process": FOUNDATION | {"sampler"},
    "chain": {"levels", "sampler"},
    "averaging": {"denoise", "levels", "needs", "sampler"},
    "particles": FOUNDATION | {"flows", "linear", "sampler", "transitions"},
    "evidence": {"levels", "linear"},
    "selection": {"denoise", "evidence", "grids", "levels", "linear", "needs", "particles"}
    | {"sampler"},
    "reusing": {"denoise", "equivariant", "levels", "needs", "particles", "priors", "sampler"}
    | {"selection"},
    "metering": {"denoise", "sampler"},
    "solving": {"metering", "reusing", "sampler"},
    "planning": {"grids", "latent", "levels", "metering", "needs", "sampler"},
    "solvers": FOUNDATION
    | {"adam", "autoencoder", "averaging", "encoding", "latent", "linear", "particles", "process"}
    | {"chain", "flows", "sampler", "selection", "steps", "transitions"},
    "images": {"files"},
    "measurements": {"files", "images"},
    "panels": {"images"},
    "metrics": {"images", "files"},
    "benchmarking": {"denoise", "files", "images", "metering", "metrics", "planning", "restoration"}
    | {"sampler", "seeds", "solving", "sources"},
    "demo": {"benchmarking", "files", "images", "metering", "metrics", "panels", "restoration"}
    | {"sampler", "solving"},
    "training": {"denoise", "levels", "priors"},
    "tuning": {"metering", "metrics", "sampler", "seeds", "solving"},
    "restoration": {"files", "images", "measurements", "metrics", "panels", "solving"}
    | {"sources"},
    "sources": {"images"},
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def part(path: Path) -> str:
    first = path.relative_to(ROOT / "inverse").parts[0]
    return first.removesuffix(".py")


MODULES = [
    p for p in sorted((ROOT / "inverse").rglob("*.py")) if part(p) not in ("apps", "__init__")
]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_inverse_keeps_its_layers(path):
    mine = part(path)
    used = {m.split(".")[1] for m in imports(path) if m.startswith("inverse.") and "." in m}
    assert used <= ALLOWED[mine] | {mine}, f"{mine} imports {used - ALLOWED[mine] - {mine}}"


@pytest.mark.parametrize("path", sorted((ROOT / "operators").rglob("*.py")), ids=lambda p: p.name)
def test_operators_know_nothing_of_inverse(path):
    assert not {m for m in imports(path) if m.split(".")[0] in ("inverse", "conf", "hydra")}


def test_transforms_take_an_empty_batch_as_all_are_of_operators_fft():
    called = re.compile(r"torch\.fft\.i?[rh]?fft[2n]?\(|torch\.fft import .*\bi?[rh]?fft[2n]?\b")
    files = [*MODULES, *(ROOT / "operators").rglob("*.py")]
    assert [path.name for path in files if called.search(path.read_text())] == []


def test_importing_is_light():
    code = (
        "import sys, operators, inverse.solvers, inverse.priors; "
        "heavy = {'hydra', 'diffusers', 'lpips', 'kornia', 'torchvision', 'torchmetrics', "
        "'deepinv', 'pylops', 'scipy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", [*MODULES, *(ROOT / "operators").rglob("*.py")], ids=lambda p: p.name
)
def test_files_stay_small(path):
    lines = len(path.read_text().splitlines())
    base = path.name in ("base.py", "linear.py", "spectral.py", "denoise.py")
    assert lines <= (400 if base else 200), f"{path.name} has {lines} lines"
