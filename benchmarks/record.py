"""What every result file carries: the command's configuration, the commit and the machine."""

import json
from pathlib import Path

import torch

from inverse.benchmarking.provenance import commit, processor
from inverse.files import as_json, write_atomic

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Processor, thread count and torch version, in a line."""
    return f"{processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def save(name: str, config: dict, rows: list[dict]) -> Path:
    """Write ``results/<name>.json``: {config, commit, machine, rows}."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    record = {"config": config, "commit": commit(), "machine": machine(), "rows": rows}
    write_atomic(path, as_json(record, indent=1))
    return path


def earlier(name: str, config: dict, rows: list[dict], keys: tuple[str, ...]) -> list[dict]:
    """Rows already in a file, of the same configuration and commit, that are not among ``rows``.

    So a study can be run in turns; ``keys`` tell its rows apart.
    """
    path = RESULTS / f"{name}.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    if (record.get("config"), record.get("commit")) != (config, commit()):
        return []
    new = {tuple(row[key] for key in keys) for row in rows}
    return [row for row in record["rows"] if tuple(row[key] for key in keys) not in new]
