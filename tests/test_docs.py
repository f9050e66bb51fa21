"""The documentation is true: its code runs, its commands and links exist, its tables are new."""

import re
from pathlib import Path

import pytest
import torch

from benchmarks import expectations, gallery
from inverse.apps.configuration import GRID
from inverse.apps.words import check_overrides

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if page.parent.name != "api")
WRITTEN = [
    page for page in PAGES if page.name not in ("priors.md", "support.md")
]  # these have tests
WITH_CODE = [page for page in WRITTEN if "```python" in page.read_text()]


def name(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", WITH_CODE, ids=name)
def test_the_python_examples_of_a_page_run_in_order(page):
    names, text = {}, page.read_text()
    if "deepinv" in text:
        pytest.importorskip("deepinv", reason="deepinv is not installed")
    torch.manual_seed(0)
    for code in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(code, name(page), "exec"), names)
    for made in ("x", "picture", "restored"):
        if made in names:
            assert torch.isfinite(torch.as_tensor(names[made])).all()


def commands(page: Path) -> list[tuple[str, str]]:
    """The `inverse APP ARGUMENTS` lines of a page, continued ones joined."""
    text = page.read_text().replace("\\\n", " ")
    line = r"^ *(?:torchrun .* )?inverse (restore|benchmark|certify|tune) ?(.*)$"
    return re.findall(line, text, flags=re.MULTILINE)


def test_the_commands_are_ones_that_exist():
    found = [command for page in WRITTEN for command in commands(page)]
    assert len(found) >= 10
    for app, arguments in found:
        words = re.findall(r"(?:'[^']*'|\S)+", arguments)
        words = [word.strip("'") for word in words if not word.startswith("-")]
        check_overrides(app, words, *([GRID] if app == "benchmark" else []))


@pytest.mark.parametrize("module", [expectations, gallery], ids=lambda m: m.__name__)
def test_the_figures_are_those_of_the_result_files(module):
    assert module.PAGE.read_text() == module.page(), f"run python -m {module.__name__}"


def test_the_gallery_has_all_its_pictures_and_stays_small():
    shown = set(re.findall(r"\(gallery/(\w+\.jpg)\)", gallery.PAGE.read_text()))
    files = {path.name: path.stat().st_size for path in gallery.FOLDER.iterdir()}
    assert shown == set(files) and sum(files.values()) < 2_000_000


TEXTS = [*ROOT.glob("*.md"), ROOT / "benchmarks" / "README.md"]  # mkdocs checks those of the site


@pytest.mark.parametrize("page", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


NAMED = r"`((?:benchmarks|conf|docs|inverse|operators|tests)/[\w./-]+\.(?:bib|md|py|yaml))`"
NEWEST = [page for page in [*TEXTS, *PAGES] if page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", NEWEST, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_that_a_text_names_is_there(page):
    for named in re.findall(NAMED, page.read_text()):
        assert (ROOT / named).exists(), f"{page.name} names {named}"
