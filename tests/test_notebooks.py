"""The executed notebooks are those of the scripts beside them; `.ci/run` executes them anew."""

from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext", reason="jupytext (extra docs) is not installed")
import nbformat  # noqa: E402  (jupytext needs it)

FOLDER = Path(__file__).parent.parent / "notebooks"
SCRIPTS = sorted(FOLDER.glob("0*.py"))
REMEDY = "run python notebooks/build.py"


def test_there_are_seven():
    assert [script.stem[:2] for script in SCRIPTS] == [f"0{n}" for n in range(1, 8)]
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {path.stem for path in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_is_its_script_executed(script):
    given = jupytext.read(script)
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    cells = [[(cell.cell_type, cell.source) for cell in each.cells] for each in (given, notebook)]
    assert cells[0] == cells[1], REMEDY
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), REMEDY
    outputs = [output for cell in code for output in cell.outputs]
    assert "error" not in {output.output_type for output in outputs}
    kinds = [kind for output in outputs for kind in output.get("data", ())]
    assert sum(kind.startswith("image/") for kind in kinds) >= 3
    assert script.with_suffix(".ipynb").stat().st_size < 1_000_000
