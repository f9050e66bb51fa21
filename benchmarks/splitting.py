"""Splitting: guided sampling by unsplit, split and corrected integrators of one and the same flow.

INVERSE_DATA=... python -m benchmarks.splitting [images=2] [side=64] [precision=bf16]
    [only=class,...] [most=100]
INVERSE_DATA=... python -m benchmarks.splitting warm [images=2] [side=64] [precision=bf16]

Four kinds of guidance: super-resolution and colourisation by DPS, inpainting by PiGDM, a class by a
classifier that is trained first (two of them: one guides, the other judges). Every integrator walks
the deterministic guided flow from the same noise; its error is the RMSE and LPIPS to DDIM of 1000
steps, whose own error favours DDIM a little. Network calls forward and backward are counted apart;
seconds are of the processor (one thread), for all images.

``most`` is the largest count of steps for all methods but DDIM.

``saved``: the share of 250-step DDIM's time that a method saves at 250-step DDIM's error, its own
curve interpolated in log error over log time. Writes results/splitting.json and .png.

``warm``: the same guidance from a Wiener restoration in few steps, and the nested sampler, on the
same measurements. Neither draws what the flow draws from that noise: they are judged by the task's
scores alone. Writes results/splitting_warm.json.
"""

import math
import os
import sys
import time
from itertools import pairwise

import torch
from torch import Tensor

from benchmarks.anytime import ours
from benchmarks.guided import KINDS, METHODS, WARM, Kind, accuracy, trained
from benchmarks.guided.classifier import CLASSES
from benchmarks.guided.drawing import plot
from benchmarks.guided.kinds import LABEL, WEIGHT
from benchmarks.record import RESULTS, save
from inverse.denoise import Prior
from inverse.levels import Level
from inverse.metrics import LPIPS, score
from inverse.priors import BUNDLED, load_prior
from inverse.priors.networked import PRECISIONS
from inverse.samplers import Sampler
from inverse.solving import Diverged, solve
from operators import Rng

BASE, REFERENCE = ("DDIM", 250), ("DDIM", 1000)


def drawn(sampler: Sampler, kind: Kind) -> tuple[Tensor, dict]:
    """The pictures that a sampler ends with, and what they cost."""
    begin = time.process_time()
    result = solve(sampler, kind.problem, Rng(kind.seeds))
    seconds = time.process_time() - begin
    return result.x0, {"nfe": result.nfe, "backward": result.backward, "seconds": seconds}


def quality(x: Tensor, kind: Kind, lpips: LPIPS) -> dict[str, float]:
    """How well the task is done."""
    if kind.truth is None:
        judge = trained(1, x.shape[-1])
        chances = judge(x, Level(1.0, 0.1)).softmax(1)[:, CLASSES.index(LABEL)]
        return {"judged": float(chances.mean())}
    scores = score(x, kind.truth, lpips)
    found = {f"{key}_truth": sum(scores[key]) / len(x) for key in ("psnr", "lpips")}
    return found | {"residual": float(kind.problem.relative_residual(x).mean())}


def errors(x: Tensor, exact: Tensor, lpips: LPIPS) -> dict[str, float]:
    """RMSE and LPIPS to the reference."""
    rmse = (x - exact).square().flatten(1).mean(1).sqrt().mean()
    return {"rmse": float(rmse), "lpips": float(lpips(x, exact).mean())}


def cost(rows: list[dict], key: str, target: float) -> float | None:
    """Seconds at which the error of a method's rows comes down to the target; None for never."""
    points = sorted((row["seconds"], row[key]) for row in rows if key in row)
    if points and points[0][1] <= target:
        return points[0][0]
    for (s, e), (t, f) in pairwise(points):
        if f <= target < e:
            return s * (t / s) ** (math.log(e / target) / math.log(e / f))
    return None


def saved(rows: list[dict]) -> list[dict]:
    """Per kind and method, by each error: the share of 250-step DDIM's time saved, or None."""
    found = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        of_kind = [row for row in rows if row["kind"] == kind]
        base = next(r for r in of_kind if (r["method"], r["steps"]) == BASE)
        for name in METHODS:
            own = [row for row in of_kind if row["method"] == name]
            times = {key: cost(own, key, base[key]) for key in ("rmse", "lpips")}
            shares = {k: None if t is None else 1 - t / base["seconds"] for k, t in times.items()}
            found.append({"kind": kind, "method": name} | shares)
    return found


def measured(name: str, kind: Kind, prior: Prior, lpips: LPIPS, most: int) -> list[dict]:
    """The rows of one kind: every method at every count."""
    rows, taken = [], {}
    for method, how in METHODS.items():
        for steps in (n for n in how.steps if n <= most or method == BASE[0]):
            row: dict = {"kind": name, "method": method, "steps": steps}
            try:
                taken[method, steps], spent = drawn(how.make(prior, kind.score, steps), kind)
                row |= spent
            except Diverged as error:
                row["diverged"] = str(error).split(";")[0]
            rows.append(row)
            print(name, method, steps, row.get("seconds"), flush=True)
    for row in rows:
        if (at := (row["method"], row["steps"])) in taken:
            row |= quality(taken[at], kind, lpips)
            row |= {} if at == REFERENCE else errors(taken[at], taken[REFERENCE], lpips)
    return rows


def warm(images: str = "2", side: str = "64", precision: str = "float32") -> None:
    """Measure what begins at a Wiener restoration, by the task's scores, and write."""
    prior, lpips, rows = load_prior(BUNDLED, precision), LPIPS("alex"), []
    for name, make in KINDS.items():
        kind = make(int(images), int(side))
        if kind.truth is None:
            continue
        given: list[tuple[str, int, Sampler]] = [("nested", 8, ours(prior, 8, 3))]
        given += [("warm", n, WARM.make(prior, kind.score, n)) for n in WARM.steps]
        for method, steps, sampler in given:
            x, spent = drawn(sampler, kind)
            row = {"kind": name, "method": method, "steps": steps} | spent
            rows.append(row | quality(x, kind, lpips))
            print(rows[-1], flush=True)
    config = {"images": int(images), "side": int(side), "precision": precision}
    save("splitting_warm", config, rows)


def integrators(
    images: str = "2",
    side: str = "64",
    precision: str = "float32",
    only: str = ",".join(KINDS),
    most: str = "100",
) -> None:
    """Measure, write and draw."""
    count, size, rows = int(images), int(side), []
    prior, lpips = load_prior(BUNDLED, precision), LPIPS("alex")
    prior.network.to(PRECISIONS[precision] or torch.float32)  # autocast casts weights at every call
    config = {"images": count, "side": size, "precision": precision}
    for name in only.split(","):
        rows += measured(name, KINDS[name](count, size), prior, lpips, int(most))
        if name == "class":
            known = {f"{nsr:g}": accuracy(trained(0, size), nsr, size) for nsr in (0.1, 1.0, 4.0)}
            config |= {"label": LABEL, "weight": WEIGHT, "accuracy": known}
        save("splitting", config | {"saved": saved(rows)}, rows)
        plot(rows, RESULTS / "splitting.png")


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    command, rest = (warm, sys.argv[2:]) if "warm" in sys.argv[1:2] else (integrators, sys.argv[1:])
    command(**dict(item.split("=", 1) for item in rest))
