"""What made a row: program, commit, libraries, machine."""

import platform
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

import inverse
from inverse.benchmarking.columns import Row

PACKAGE = Path(inverse.__file__).parent


@cache
def commit() -> str:
    """The commit of the checkout that runs, marked where files differ; "" outside of one."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE.parent), *arguments], capture_output=True, text=True
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    if not git("ls-files", "--", str(PACKAGE / "__init__.py")):  # installed inside of another one
        return ""
    dirty = git("status", "--porcelain", "--", "inverse", "operators")
    return git("rev-parse", "--short", "HEAD") + ("+changes" if dirty else "")


@cache
def processor() -> str:
    """The processor's name."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


@cache
def provenance(device: str) -> Row:
    """The columns version, commit, torch, python, machine."""
    cuda = torch.device(device).type == "cuda" and torch.cuda.is_available()  # not on a head node
    threads = f"{processor()}, {torch.get_num_threads()} threads"
    return {
        "version": inverse.__version__,
        "commit": commit(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": torch.cuda.get_device_name(device) if cuda else threads,
    }
