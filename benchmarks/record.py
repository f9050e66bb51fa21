"""What every result file carries: the command's configuration, the commit and the machine."""

import json
from pathlib import Path

import torch

from inverse.benchmarking.provenance import commit, processor
from inverse.files import write_atomic

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Processor, thread count and torch version, in a line."""
    return f"{processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def save(name: str, config: dict, rows: list[dict]) -> Path:
    """Write ``results/<name>.json``: {config, commit, machine, rows}."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    record = {"config": config, "commit": commit(), "machine": machine(), "rows": rows}
    write_atomic(path, json.dumps(record, indent=1) + "\n")
    return path
