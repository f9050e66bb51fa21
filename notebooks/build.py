"""Runs the notebooks: every percent script here becomes an executed .ipynb beside it.

    python notebooks/build.py [01_operators ...]

Cells and outputs only are kept, no times and no versions, so that a diff shows what changed.
"""

import os
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
SCRIPTS = sorted(HERE.glob("0*.py"))


def execute(script: Path) -> None:
    """Run a script's cells from top to bottom in a fresh kernel, in its own folder."""
    notebook = jupytext.read(script)
    where = {"metadata": {"path": HERE}}
    NotebookClient(
        notebook, kernel_name="python3", resources=where, coalesce_streams=True
    ).execute()
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    nbformat.write(notebook, script.with_suffix(".ipynb"))


def main() -> None:
    os.environ["PYTHONWARNINGS"] = "ignore:IProgress"  # tqdm's, where there are no ipywidgets
    for script in SCRIPTS:
        if script.stem in (sys.argv[1:] or [script.stem]):
            began = time.monotonic()
            execute(script)
            print(f"{script.stem}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
