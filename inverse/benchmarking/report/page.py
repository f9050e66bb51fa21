"""The report's files: index.html, which stands alone, report.md with its plots, rows.csv."""

import base64
import io
import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from inverse.benchmarking.columns import Agreed, Curve, Kept, Made, Measured
from inverse.benchmarking.report.distances import Distances
from inverse.benchmarking.report.plots import anytime, pareto, svg
from inverse.benchmarking.report.tables import Frame, Series, read
from inverse.benchmarking.report.tasks import Task, tasks, text
from inverse.benchmarking.store import FAILED
from inverse.files import write_atomic
from inverse.metrics.sets import Features

QUALITY = 90  # WebP, for pages that load on a phone; what was scored lies in images/


class Album:
    """Pictures by number, as CSS classes `p0`, `p1`, … with the file as a data URI."""

    def __init__(self) -> None:
        self._numbers: dict[Path, int] = {}

    def add(self, folder: str, name: object) -> str | None:
        """The class of a picture below a folder; None where none was kept."""
        if not isinstance(name, str) or not (path := Path(folder) / name).is_file():
            return None
        return f"p{self._numbers.setdefault(path, len(self._numbers))}"

    def rules(self) -> str:
        """The style rules of all pictures added."""
        return "\n".join(
            f".p{number}{{background-image:url({_data(path)})}}"
            for path, number in self._numbers.items()
        )


def _data(path: Path) -> str:
    buffer = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(buffer, format="webp", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


HERE = Path(__file__).parent
ROWS = 500  # with their commands on the page, at most; rows.csv has all


def write(
    folders: Sequence[str],
    out: str | Path,
    where: str | None = None,
    pictures: int = 3,
    features: Features | None = None,
) -> Path:
    """Write the report on benchmark folders into `out`; returns the page's path.

    Args:
        where: a condition on rows, in pandas' query language. pictures: shown of each task.
        features: for FID and KID of the restorations against the truths; None: neither.

    Raises:
        ValueError: for no rows, or rows that must not be mixed (`read`).
    """
    frame = read(folders, where)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    album, distances = Album(), features and Distances(features)
    parts = [_task(task, album, pictures, distances) for task in tasks(frame)]
    values = {
        "tasks": parts,
        "conventions": {name: _shown(frame[name]) for name in Agreed.__annotations__},
        "made": {name: _shown(frame[name]) for name in Made.__annotations__},
        "failures": list(_failures(frame)),
        "rows": len(frame),
        "features": features and features.name,
        "command": shlex.join(["inverse", "report", *folders]),
        "text": text,
    }
    for part in parts:
        for name, plot in part["plots"].items():
            write_atomic(out / f"{name}-{part['number']}.svg", plot)
    environment = _environment()
    page = environment.get_template("page.html").render(values, rules=album.rules())
    write_atomic(out / "index.html", page)
    write_atomic(out / "report.md", environment.get_template("page.md").render(values))
    plain = frame.drop(columns=[*Curve.__annotations__])
    write_atomic(out / "rows.csv", plain.to_csv(index=False))
    return out / "index.html"


def _task(task: Task, album: Album, pictures: int, distances: Distances | None) -> dict[str, Any]:
    """What the templates show of a task."""
    if task.rows.empty:
        return {"task": task, "board": {}, "plots": {}, "number": task.number}
    chosen = sorted(task.rows["image"].unique())
    every = max(1, len(chosen) // pictures) if pictures else len(chosen) + 1
    images = chosen[::every][:pictures]
    board = task.leaderboard()
    first = task.rows.sort_values(["seed", "sample"]).drop_duplicates(["image", "method"])
    first = first.sort_values("method", key=lambda names: names.map(list(board).index))
    plots = {"pareto": svg(pareto(task)), "anytime": svg(anytime(task))}
    return {
        "task": task,
        "number": task.number,
        "board": board,
        "distances": list(distances.of(task)) if distances else [],
        "plots": plots,
        "gallery": {
            image: [_shot(row, album) for _, row in first[first["image"] == image].iterrows()]
            for image in images
        },
        "worst": [_shot(row, album) for row in task.worst()],
        "rows": [_shot(row) for _, row in task.rows.head(ROWS).iterrows()],
    }


def _shot(row: Series, album: Album | None = None) -> dict[str, Any]:
    """A row for the templates, with its pictures."""
    shot = {str(key): value for key, value in row.items()}
    shot["ratio"] = f"{int(row['width'])}/{int(row['height'])}"
    lpips = [shot[name] for name in Measured.__annotations__ if name.startswith("lpips_")]
    shot["lpips"] = next((float(value) for value in lpips if value == value), math.nan)
    if album is not None:
        for name in Kept.__annotations__:
            shot[name] = album.add(row["folder"], row[name])
    return shot


def _failures(frame: Frame) -> Iterator[dict[str, Any]]:
    failed = frame[frame["status"] == FAILED]
    for (method, operator, error), rows in failed.groupby(["method", "operator", "error"]):
        first = rows.iloc[0]
        found = {"method": method, "operator": operator, "error": error, "count": len(rows)}
        yield found | {"image": first["image"], "command": first["command"]}


def _shown(column: Series) -> str:
    values = column.dropna().unique()
    whole = [f"{v:g}" if isinstance(v, float) else str(v) for v in values]
    return ", ".join(sorted(whole)) or "as it is"


def _environment() -> Any:
    try:
        from jinja2 import Environment, FileSystemLoader
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "jinja2 is missing: pip install 'anytime-inverse[benchmark]'", name="jinja2"
        ) from error
    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=lambda name: name == "page.html",
        trim_blocks=True,
        lstrip_blocks=True,
    )
