"""What every result file carries: the command's configuration, the commit and the machine."""

import json
import platform
import subprocess
from pathlib import Path

import torch

from inverse.files import write_atomic

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Processor, thread count and torch version, in a line."""
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    name = names[0] if names else platform.processor()
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def commit() -> str:
    """The checked-out commit, marked where files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True)
        return done.stdout.strip()

    dirty = git("status", "--porcelain", "--", "inverse", "operators")
    return git("rev-parse", "--short", "HEAD") + ("+changes" if dirty else "")


def save(name: str, config: dict, rows: list[dict]) -> Path:
    """Write ``results/<name>.json``: {config, commit, machine, rows}."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    record = {"config": config, "commit": commit(), "machine": machine(), "rows": rows}
    write_atomic(path, json.dumps(record, indent=1) + "\n")
    return path
