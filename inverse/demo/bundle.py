"""Everything of a run as one zip file."""

import io
import zipfile
from pathlib import Path

from inverse.demo.choices import MASK, PHOTO
from inverse.demo.runs import Run
from inverse.files import as_json, write_atomic
from inverse.restoring import Report


def report(run: Run, folder: Path) -> dict:
    """Write pictures and metrics of the best so far into `folder`; returns the metrics.

    Raises:
        Refused: when there is no restoration yet.
    """
    recipe, result = run.job.recipe, run.result().to("cpu")
    problem, device = recipe.problem.to("cpu"), recipe.problem.y.device
    return Report(recipe.truth, problem, result, None, "not asked for", device).write(folder)


def bundle(run: Run) -> Path:
    """The path of a zip in the run's folder: what `report` writes, the upload and the painted mask,
    config.yaml, command.txt and, where the run was changed by hand, changes.json.

    Raises:
        Refused: when there is no restoration yet.
    """
    results = run.folder / "results"
    report(run, results)
    texts = {"command.txt": f"{run.command}\n", "config.yaml": run.job.recipe.config}
    if run.changes:
        texts["changes.json"] = as_json(run.changes)
    inputs = [run.folder / name for name in (PHOTO, MASK)]
    packed, buffer = run.folder / "restoration.zip", io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in [*sorted(results.iterdir()), *filter(Path.is_file, inputs)]:
            archive.write(file, file.name)
        for name, text in texts.items():
            archive.writestr(name, text)
    write_atomic(packed, buffer.getvalue())
    return packed
