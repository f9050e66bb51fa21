"""Momentum: order and stability of the multistep rules, and what they do to pictures at few steps.

INVERSE_DATA=... python -m benchmarks.momentum rules
INVERSE_DATA=... python -m benchmarks.momentum pictures [images=2] [side=64] [precision=bf16]
INVERSE_DATA=... python -m benchmarks.momentum inner [images=2] [side=64] [precision=bf16]

``rules``: the measured order on the probability flow of a Gaussian, and how far the real and the
diagonal axis of the linear test equation ``x' = z x`` (one step, |amplification| <= 1) are stable;
writes results/momentum_rules.json and .png. ``pictures`` and ``inner``: see `benchmarks.few_steps`;
they write results/momentum_pictures.json and .png, results/momentum_inner.json.
"""

import math
import os
import sys

import torch
from torch import Tensor

from benchmarks.few_steps import inner, pictures
from benchmarks.record import RESULTS, save
from inverse.denoise import Estimate, Move, Transition
from inverse.levels import Level
from inverse.transitions import Momentum, Multistep

RULES: dict[str, Transition] = {
    **{f"AB{k}": Multistep(k) for k in (1, 2, 3, 4)},
    **{f"HB beta {b}": Momentum(1, b) for b in (0.8, 0.5, 0.2)},
    **{f"GHVB{k} beta {b}": Momentum(k, b) for k in (2, 3, 4) for b in (0.8, 0.5)},
}
START, END, VARIANCE = 2.0, 0.25, 0.5


def drive(rule: Transition, x: Tensor, levels: list[float], slope: object) -> list[Tensor]:
    """The states of ``dx / dnsr = slope(x, nsr)`` under a rule, from the first level on."""

    def denoise(x: Tensor, level: Level) -> Estimate:
        noise = slope(x, level.nsr)  # pyright: ignore
        return Estimate(x - level.nsr * noise, noise)

    memory, states = rule.init(), [x]
    for a, b in zip(levels[:-1], levels[1:], strict=True):
        start, end = Level(1.0, a), Level(1.0, b)
        move = Move(x, denoise(x, start), start, end, None, None, denoise)  # pyright: ignore
        x, memory = rule.step(move, memory)
        states.append(x)
    return states


def order(rule: Transition) -> float:
    """The slope of log error against log steps, between 64 and 256 equal steps."""
    exact = math.sqrt((VARIANCE + END**2) / (VARIANCE + START**2))

    def error(steps: int) -> float:
        levels = [START + (END - START) * i / steps for i in range(steps + 1)]
        one = torch.ones(1, dtype=torch.float64)
        last = drive(rule, one, levels, lambda x, s: x * (s / (VARIANCE + s * s)))[-1]
        return abs(float(last) - exact)

    return math.log(error(64) / error(256)) / math.log(4)


def growth(rule: Transition, z: Tensor, steps: int = 240) -> Tensor:
    """The amplification per step of ``x' = z x`` with steps of one, in the long run."""
    levels = [float(steps + 1 - i) for i in range(steps + 1)]
    states = drive(rule, torch.ones_like(z), levels, lambda x, s: -z * x)
    late, early = states[-1].abs(), states[steps // 2].abs()
    return (late / early.clamp_min(1e-300)) ** (2 / steps)


def reach(rule: Transition, direction: complex) -> float:
    """How far z can go along a direction before the rule is unstable."""
    far = torch.linspace(0.01, 3, 300, dtype=torch.float64)
    bad = growth(rule, far * direction).nan_to_num(math.inf) > 1 + 1e-3
    return float(far[bad][0]) if bool(bad.any()) else float(far[-1])


def rules() -> None:
    """Measure and draw the rules."""
    rows = []
    for name, rule in RULES.items():
        found = {"order": order(rule), "real": reach(rule, -1), "diagonal": reach(rule, _DIAGONAL)}
        rows.append({"rule": name} | found)
        print(f"{name:16}", " ".join(f"{k} {v:.2f}" for k, v in found.items()), flush=True)
    save("momentum_rules", {"flow": [START, END, VARIANCE]}, rows)
    _draw()


_DIAGONAL = complex(-1, 1) / math.sqrt(2)


def _draw() -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    shown = ("AB2", "AB4", "GHVB2 beta 0.8", "GHVB2 beta 0.5", "GHVB4 beta 0.8", "GHVB4 beta 0.5")
    real, imaginary = torch.linspace(-3, 0.5, 141), torch.linspace(-2, 2, 161)
    z = torch.complex(*torch.meshgrid(real, imaginary, indexing="ij")).to(torch.complex128)
    figure, axes = pyplot.subplots(2, 3, figsize=(9, 6.5), sharex=True, sharey=True)
    for axis, name in zip(axes.flat, shown, strict=True):
        stable = growth(RULES[name], z.flatten()).view_as(z.real).nan_to_num(math.inf) <= 1 + 1e-3
        axis.contourf(real, imaginary, stable.T.float(), levels=[0.5, 1.5], colors=["#7aa6c2"])
        axis.axhline(0, color="grey", lw=0.5)
        axis.axvline(0, color="grey", lw=0.5)
        axis.set(title=name, aspect="equal")
    figure.supxlabel("real part of z")
    figure.supylabel("imaginary part")
    figure.tight_layout()
    figure.savefig(RESULTS / "momentum_rules.png", dpi=80)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    command, *rest = sys.argv[1:] or ["rules"]
    options = dict(item.split("=", 1) for item in rest)
    {"rules": rules, "pictures": pictures, "inner": inner}[command](**options)
