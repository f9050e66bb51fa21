"""Switches that make the bundled prior's network cheaper: speed, memory and what they cost.

INVERSE_DATA=... python -m benchmarks.faster speed [side=128] [rounds=8] [switches=compile,openvino]
INVERSE_DATA=... python -m benchmarks.faster quality [side=128] [count=2] [tasks=deblur]

Speed: CPU seconds of a network call (so few threads: OMP_NUM_THREADS=1), of all switches in turn,
at the levels of the `nested` preset's inner chain; the median over rounds, and over that of
float32. ``change``: of one estimate, relative. Memory: of the weights, and what a call adds to the
process at its peak (Linux).
Quality: the four tasks of `benchmarks.quality` with the `nested` preset on centres of Kodak, each
switch against float32 on the same images and seeds. ``direct``: torch's own convolutions in place
of Winograd's. ``openvino`` and ``onnxruntime`` are not dependencies of ours: install them (with
``onnx`` and ``onnxscript``) to time them.
"""

import ctypes
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.backends import nnpack

from benchmarks.baselines.tasks import crops
from benchmarks.exported import Exported
from benchmarks.quality import ALL, measured, preset, problems, restore
from benchmarks.record import save
from inverse.apps.configuration import build
from inverse.denoise import Prior
from inverse.levels import Level
from inverse.metrics import LPIPS
from inverse.priors import bundled, faster

LEVELS = (0.3, 0.1, 0.03) * 2


class Direct(Prior):
    """The bundled prior with torch's own convolutions in place of Winograd's."""

    def __init__(self) -> None:
        super().__init__()
        self.prior = bundled()

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        with nnpack.flags(enabled=False):
            return self.prior.denoise(x, level)


SWITCHES: dict[str, Callable[[], Prior]] = {
    "float32": bundled,
    "direct": Direct,
    "bf16": lambda: bundled("bf16"),
    "fp16": lambda: bundled("fp16"),
    "int8": lambda: faster(bundled(), weights="int8"),
    "float8": lambda: faster(bundled(), weights="float8"),
    "compile": lambda: faster(bundled(), compile=True),
    "openvino": lambda: Exported("openvino"),
    "onnxruntime": lambda: Exported("onnxruntime"),
}
ASKED = ("compile", "openvino", "onnxruntime")  # they take minutes, or a library of their own


def chosen(switches: str | None, without: tuple[str, ...] = ()) -> dict[str, Prior]:
    """The priors by name, float32 first."""
    names = switches.split(",") if switches else [n for n in SWITCHES if n not in without]
    return {name: SWITCHES[name]() for name in dict.fromkeys(["float32", *names])}


def calls(prior: Prior, x: Tensor) -> Tensor:
    """The last estimate of a walk of network calls, those of two inner chains."""
    return [prior.denoise(x, Level(1.0, nsr)) for nsr in LEVELS][-1]


def peak_mb(function: Callable[[], object]) -> float:
    """What a function adds to the process's memory at its peak."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak begins anew
    before = _status("VmRSS")
    function()
    return _status("VmHWM") - before


def _status(key: str) -> float:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key)) * 1024 / 1e6


def speed(side: int = 128, rounds: int = 8, switches: str | None = None) -> None:
    """Write results/faster_speed.json; with what must be asked for, one that names it."""
    priors, seconds, rows = chosen(switches, ASKED), defaultdict(list), []
    x = crops(1, side) + LEVELS[1] * torch.randn(1, 3, side, side)
    first = {name: timed(prior, x) for name, prior in priors.items()}  # compiles too
    for _ in range(rounds):
        for name, prior in priors.items():
            begin = time.process_time()
            calls(prior, x)
            seconds[name].append((time.process_time() - begin) / len(LEVELS))
    for name, prior in priors.items():
        pairs = zip(seconds[name], seconds["float32"], strict=True)
        change = (first[name][1] - first["float32"][1]).norm() / first["float32"][1].norm()
        row = {"switch": name, "seconds": statistics.median(seconds[name])}
        row |= {"ratio": statistics.median(a / b for a, b in pairs), "first_call": first[name][0]}
        row |= {"weights_mb": weights_mb(prior)}
        row |= {"peak_mb": statistics.median(peak_mb(partial(calls, prior, x)) for _ in range(3))}
        rows.append(row | {"change": float(change)})
        print(rows[-1], flush=True)
    name = "_".join(["faster_speed", *(name for name in ASKED if name in priors)])
    save(name, {"side": side, "rounds": rounds, "switches": list(priors)}, rows)


def timed(prior: Prior, x: Tensor) -> tuple[float, Tensor]:
    """Seconds on the clock of one network call, and its estimate."""
    begin = time.perf_counter()
    x0 = prior.denoise(x, Level(1.0, LEVELS[1]))
    return time.perf_counter() - begin, x0


def weights_mb(prior: Prior) -> float:
    """What the weights take, as they are stored."""
    kept = prior.state_dict().values()  # quantised ones as their 8 bits and their scales
    return sum({t.data_ptr(): t.numel() * t.element_size() for t in kept}.values()) / 1e6


def quality(side: int = 128, count: int = 2, switches: str | None = None, tasks: str = ALL) -> None:
    """Write results/faster_quality.json; of some of the tasks, one that names them."""
    priors, lpips, rows = chosen(switches, ("direct", "fp16", *ASKED)), LPIPS("alex"), []
    truth = crops(count, side)
    for task in tasks.split(","):
        plain: dict = {}
        for name, prior in priors.items():
            sampler = build(preset("nested"))(prior)
            found, _ = measured(partial(restore, sampler), problems(task, truth), lpips)
            plain = plain or found
            row = {"task": task, "switch": name}
            for key in ("psnr", "lpips"):
                row |= {key: found[key], f"{key}_change": found[key] - plain[key]}
            rows.append(row)
            print(row, flush=True)
    name = "faster_quality" + ("" if tasks == ALL else "_" + tasks.replace(",", "_"))
    save(name, {"side": side, "count": count, "switches": list(priors)}, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    options: dict = dict(item.split("=", 1) for item in sys.argv[2:])
    options |= {key: int(value) for key, value in options.items() if value.isdigit()}
    with torch.no_grad():
        {"speed": speed, "quality": quality}[sys.argv[1]](**options)
