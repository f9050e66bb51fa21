"""Anytime: quality against network calls, nested beside plain chains and published solvers.

INVERSE_DATA=... python -m benchmarks.anytime [nfe=24] [images=4] [side=128] [precision=bf16]
    [tasks=inpaint,...] [only=ddnm,...] [folder=mcmaster18] [name=anytime_24]

The four tasks of `benchmarks.quality` and box inpainting, noise of standard deviation 0.05. Every
method is planned for ``nfe`` forward calls and walks its own schedule once; its curve is the
quality of the estimate x0 at hand after so many calls. Before the first one that is the Wiener
restoration, which costs no call. Summaries, means over the tasks:

- ``area``: mean LPIPS over log calls, from 1 to ``nfe``;
- ``first``: calls until the first estimate that beats Wiener in LPIPS; ``settled``: calls from
  which on LPIPS stays within 10 % of the last;
- PSNR and LPIPS of the last estimate.

Writes results/anytime_<nfe>.json and .png, or NAME.json and .png.
"""

import os
import sys
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.baselines.tasks import SIGMA, TASKS, Shape, crops
from benchmarks.curves import means, plot, summary, text
from benchmarks.quality import calls, measured, preset, problems, restore, vanilla
from benchmarks.record import RESULTS, save
from inverse import solvers
from inverse.apps.configuration import build
from inverse.denoise import Conditioned, Equivariant, Prior, Transition
from inverse.levels import Grid
from inverse.metrics import LPIPS, score
from inverse.priors import BUNDLED, load_prior
from inverse.samplers import Process, Sampler
from inverse.solvers._nested import nest
from inverse.starts import WienerStart, wiener
from inverse.steps import Prox
from inverse.transitions import DDIM, Anneal, DPMSolver2M, Heun, Turned
from operators import LinearOperator, inpaint_box


def box(shape: Shape, seed: int = 0) -> LinearOperator:
    """The central quarter of the sides lost: a hole of one sixteenth of the area."""
    _, height, width = shape
    return inpaint_box(shape, height // 4, width // 4)


ALL: dict[str, Callable[[Shape, int], LinearOperator]] = TASKS | {"box": box}
OURS = ("nested", "nested_mean", "nested_sharp", "nested_fast", "nested_best")
"""The presets; each is shown at its own number of calls."""


def ours(
    prior: Prior,
    outer: int,
    inner: int,
    transition: Transition | None = None,
    temperature: float | None = None,
) -> Process:
    """The shipped preset with inner walks of one length, or by another transition.

    ``temperature`` replaces that of the outer walk and of its start: 1 is as warm as `vanilla`.
    """
    it = preset("nested")
    denoiser = Conditioned(Equivariant(prior), Prox(it.lam))
    inside = Grid(inner, end=it.inner_end, spacing="log")
    outside = Grid(outer, start=it.outer_start, end=it.outer_end, spacing="log")
    flow = transition or Turned(it.inner_zeta)
    warm = it.outer_temperature if temperature is None else temperature
    return nest(denoiser, inside, flow, outside, Anneal(warm), WienerStart(temperature or 0.0))


def methods(prior: Prior, nfe: int) -> dict[str, Sampler]:
    """Every method, planned for ``nfe`` forward calls."""
    shapes = [(nfe // inner, inner) for inner in (1, 2, 3, 4, 6, 8, 12, nfe) if nfe % inner == 0]
    found: dict[str, Sampler] = {f"nested {o}x{i}": ours(prior, o, i) for o, i in shapes}
    for name, transition, steps in (
        ("ODE", DDIM(0.0), 3),
        ("SDE", DDIM(1.0), 3),
        ("DPM++", DPMSolver2M(), 3),
        ("Heun", Heun(), 2),  # its last step, to the clean image, takes one call: 2 n - 1
    ):
        found[f"nested {nfe // 3}x3 {name}"] = ours(prior, nfe // 3, steps, transition)
    found[f"nested {nfe // 3}x3 warm"] = ours(prior, nfe // 3, 3, temperature=1.0)
    for name in OURS:
        if nfe == calls(shipped := build(preset(name))(prior)):
            found[name] = shipped
    for outer, inner in ((nfe // 6, 6), (nfe // 3, 3)):
        config = preset("nested_mean")
        config.update({"outer_steps": max(1, outer), "inner_least": inner, "inner_most": inner})
        found[f"mean {outer}x{inner}"] = build(config)(prior)
    found |= vanilla(prior, nfe)
    for name in ("ddnm", "ddnm_plus", "diffpir", "dps", "pigdm", "ddrm"):
        found[name] = getattr(solvers, name)(prior, steps=nfe)
    return found


def _start(given: list, lpips: LPIPS) -> dict[str, float]:
    found = [score(wiener(problem), images, lpips) for images, problem, _ in given]
    return {
        key: sum(sum(f[key]) for f in found) / sum(len(f[key]) for f in found)
        for key in ("psnr", "lpips")
    }


def main(
    nfe: str = "24",
    images: str = "4",
    side: str = "128",
    precision: str = "float32",
    tasks: str = ",".join(ALL),
    only: str = "",
    folder: str = "kodak24_500",
    name: str = "",
) -> None:
    """Measure, write and print."""
    count, prior, lpips = int(nfe), load_prior(BUNDLED, precision), LPIPS("alex")
    truth: Tensor = crops(int(images), int(side), folder)
    samplers = methods(prior, count)
    samplers = {k: v for k, v in samplers.items() if not only or k in only.split(",")}
    config = {"nfe": count, "images": len(truth), "side": int(side), "folder": folder}
    config |= {"sigma": SIGMA, "precision": precision}
    rows = []
    for task in tasks.split(","):
        given = problems(task, truth, ALL[task])
        start = _start(given, lpips)
        for method, sampler in samplers.items():
            figures, _ = measured(partial(restore, sampler), given, lpips)
            found = summary(figures["curve"], start, count)
            rows.append({"task": task, "method": method, "start": start} | figures | found)
            print(f"{task:9}{method:22}{text(found)}", flush=True)
    totals = means(rows)
    name = name or f"anytime_{count}" + ("" if folder == "kodak24_500" else f"_{folder}")
    save(name, config | {"means": totals}, rows)
    shown = [*OURS, f"nested {count // 3}x3", "vanilla", "ddnm_plus", "diffpir", "dps"]
    plot([row for row in rows if row["method"] in shown], RESULTS / f"{name}.png")
    for method, found in sorted(totals.items(), key=lambda item: item[1]["area"]):
        print(f"{method:22}{text(found)}")


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
