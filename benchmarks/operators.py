"""The operators' products and solves beside their floors and beside deepinv.

python -m benchmarks.operators [repeats=25] [only=blur,inpaint]

A floor is the bare tensor calls (FFTs, one multiplication, matrix product, pooling) that give the
same result with nothing around them: see `entries`. Results are compared before they are
timed; of deepinv's implementations the fastest that agrees to 1e-3 counts. Batch 8, float32, one
thread, λ = 0.1. Times are CPU milliseconds of this process (other processes on the machine do not
stretch them), the median of interleaved repeats, with freed memory kept by the process: the page
faults of fresh buffers would otherwise double all times, from run to run differently.
A run of all entries writes results/operators.json; one with `only` prints.
"""

import ctypes
import math
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from types import ModuleType

import torch
from torch import Tensor

from benchmarks.entries import ENTRIES, LAM, Entry
from benchmarks.record import save

BATCH = 8
Calls = dict[str, Callable[[], Tensor]]


def deepinv_physics() -> ModuleType | None:
    """deepinv.physics where it is installed."""
    try:
        import deepinv  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return deepinv.physics


def calls(entry: Entry, physics: ModuleType | None) -> dict[str, Calls]:
    """{product: {"ours": call, "floor": call, deepinv's class: call, …}}."""
    ours, generator = entry.ours, torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, *ours.in_shape, generator=generator)
    y = ours.support(torch.randn(BATCH, *ours.out_shape, generator=generator))
    found: dict[str, Calls] = {
        "forward": {"ours": lambda: ours(x)},
        "adjoint": {"ours": lambda: ours.adjoint(y)},
        "gram_solve": {"ours": lambda: ours.gram_solve(x, LAM)},
        "prox": {"ours": lambda: ours.prox(x, y, LAM)},
        "pinv": {"ours": lambda: ours.pinv(y)},
    }
    given = {"forward": (x,), "adjoint": (y,), "gram_solve": (x,), "prox": (x, y), "pinv": (y,)}
    for product, floor in entry.floor.items():
        found[product]["floor"] = partial(floor, *given[product])
    for name, their in entry.theirs(physics).items() if physics else ():
        lifted = entry.lift(y)
        found["forward"][name] = lambda p=their: p.A(x)
        found["adjoint"][name] = lambda p=their, y=lifted: p.A_adjoint(y)
        found["prox"][name] = lambda p=their, y=lifted: p.prox_l2(x, y, 1 / LAM)
        found["pinv"][name] = lambda p=their, y=lifted: p.A_dagger(y)
    return {product: found[product] for product in entry.floor}


def differences(entry: Entry, product: str, each: Calls) -> dict[str, float]:
    """How far, relatively, each result is from ours; a floor must agree."""
    want, off = each["ours"](), {}
    for name, call in each.items():
        lifted = product == "forward" and name not in ("ours", "floor")
        reference = entry.lift(want) if lifted else want
        off[name] = float((call() - reference).norm() / reference.norm())
    if off["floor"] > 1e-3:
        raise AssertionError(f"{entry.ours!r}: the floor of {product} is off by {off['floor']:.1e}")
    return off


def spent(call: Callable[[], Tensor], count: int = 1) -> float:
    """CPU milliseconds of a call, the mean of `count` in a row."""
    begin = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - begin) * 1e3 / count


def times(each: Calls, repeats: int) -> dict[str, float]:
    """Median CPU milliseconds of each call; short ones run for 3 ms, long ones for a second."""
    counts = {name: math.ceil(3 / max(spent(call), 0.03)) for name, call in each.items()}
    found: dict[str, list[float]] = {name: [] for name in each}
    for repeat in range(repeats):
        first = repeat % len(each)  # another every time: what ran before leaves its caches
        for name in [*each][first:] + [*each][:first]:
            if len(found[name]) < 3 or sum(found[name]) < 1e3:
                found[name].append(spent(each[name], counts[name]))
    return {name: statistics.median(values) for name, values in found.items()}


def measure(name: str, entry: Entry, product: str, each: Calls, repeats: int) -> dict:
    """One row: an operator and a product."""
    off, took = differences(entry, product, each), times(each, repeats)
    row: dict = {"operator": name, "shape": entry.ours.in_shape, "product": product}
    row |= {"ours_ms": took["ours"], "floor_ms": took["floor"]}
    row["over_floor"] = took["ours"] / took["floor"]
    theirs = [other for other in each if other not in ("ours", "floor")]
    row["deepinv"] = [{"class": n, "ms": took[n], "differs_by": off[n]} for n in theirs]
    agreeing = [took[other] for other in theirs if off[other] <= 1e-3]
    row["over_deepinv"] = took["ours"] / min(agreeing) if agreeing else None
    return row


def line(row: dict) -> str:
    """A row of the Markdown table."""
    theirs = ", ".join(
        f"{other['ms']:.2f} ({other['class']}"
        + (")" if other["differs_by"] <= 1e-3 else f", off by {other['differs_by']:.0e})")
        for other in row["deepinv"]
    )
    ratio = "" if row["over_deepinv"] is None else f"{row['over_deepinv']:.2f}"
    figures = f"{row['ours_ms']:.2f} | {row['floor_ms']:.2f} | {row['over_floor']:.2f}"
    return f"| {row['operator']} | {row['product']} | {figures} | {theirs} | {ratio} |"


def keep_memory() -> None:
    """Have glibc keep freed memory (mallopt: trim threshold off, no mmap below 1 GiB)."""
    for parameter, value in ((-1, -1), (-3, 2**30)):
        ctypes.CDLL(None).mallopt(parameter, value)


@torch.no_grad()
def main(repeats: int = 25, only: str = "") -> None:
    """Print the table; write results/operators.json."""
    torch.set_num_threads(1)
    keep_memory()
    physics, rows = deepinv_physics(), []
    print("| operator | product | ours | floor | ours/floor | deepinv | ours/deepinv |")
    print("|---|---|---|---|---|---|---|")
    for name in only.split(",") if only else ENTRIES:
        entry = ENTRIES[name]()
        for product, each in calls(entry, physics).items():
            rows.append(measure(name, entry, product, each, int(repeats)))
            print(line(rows[-1]), flush=True)
    if not only:
        config = {"batch": BATCH, "lam": LAM, "repeats": int(repeats)}
        config["deepinv"] = sys.modules["deepinv"].__version__ if physics else None
        save("operators", config, rows)


if __name__ == "__main__":
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))  # pyright: ignore[reportArgumentType]
