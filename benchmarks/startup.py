"""What the command line costs before it works: CPU seconds beside those of importing torch.

python -m benchmarks.startup [rounds=3]

The least of several rounds, each of which runs every command once in a fresh process with one
thread. Bytecode is compiled before the first round.
"""

import os
import subprocess
import sys
import tempfile
from resource import RUSAGE_CHILDREN, getrusage

from benchmarks.record import save

FIRST_CALL = """
import os, sys
from inverse.apps.main import main
from inverse.priors import EDMPrior

EDMPrior.denoise = lambda *call: os._exit(0)
sys.argv[1:] = ["restore", "size=64", "device=cpu"]
main()
"""
INVERSE = ("-m", "inverse.apps.main")
COMMANDS = {
    "python -c 'import torch'": ("-c", "import torch"),
    "inverse --help": (*INVERSE, "--help"),
    "inverse info": (*INVERSE, "info"),
    "inverse restore --help": (*INVERSE, "restore", "--help"),
    "an unknown solver": (*INVERSE, "restore", "solver=nestd"),
    "a file that is not there": (*INVERSE, "restore", "image=nowhere.png"),
    "a solver that does not fit": (
        *INVERSE, "restore", "size=64", "operator=downsample", "solver=repaint",
    ),
    "a prior that is not there": (
        *INVERSE, "restore", "size=64", "prior=file", "prior.path=nowhere",
    ),
    "inverse restore, to its first network call": ("-c", FIRST_CALL),
    "inverse restore, four network calls": (
        *INVERSE, "restore", "size=64", "device=cpu", "budget.nfe=4",
    ),
}  # fmt: skip


def cost(arguments: tuple[str, ...], folder: str) -> float:
    """CPU seconds, user and system, of Python run with these arguments in a folder."""
    before = getrusage(RUSAGE_CHILDREN)
    command = [sys.executable, *arguments]
    surroundings = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=folder, env=surroundings, capture_output=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(rounds: int = 3) -> None:
    """Write results/startup.json."""
    rounds, spent = int(rounds), {name: list[float]() for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for name, arguments in COMMANDS.items():
                seconds = cost(arguments, folder)
                if number:
                    spent[name].append(seconds)
    least = {name: min(seconds) for name, seconds in spent.items()}
    torch = next(iter(least.values()))
    rows = [
        {"command": name, "cpu_seconds": round(seconds, 2), "times_torch": seconds / torch}
        for name, seconds in least.items()
    ]
    for row in rows:
        print(f"{row['command']:45}{row['cpu_seconds']:6.2f} s {row['times_torch']:6.2f} x")
    save("startup", {"rounds": rounds}, rows)


if __name__ == "__main__":
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))  # pyright: ignore[reportArgumentType]
