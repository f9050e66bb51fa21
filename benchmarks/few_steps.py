"""Few steps: what high orders and momentum do to pictures, unguided, guided, split and nested.

Two commands of `benchmarks.momentum`. ``pictures``: samples of the prior and inpainting under
PiGDM's guidance in 5, 8, 10 and 15 steps, even in time. The excess is the mean of
``max(|x| - 1, 0)``, how far a picture leaves its range, which diverging rules do first; the error
is the RMSE to the same flow in 60 steps of Heun's rule on EDM's levels. ``inner``: the shipped
nested sampler with other rules in its inner chains of 3, 5 and 8 calls, at equal calls in all.
"""

from functools import partial
from itertools import product
from pathlib import Path

from torch import Tensor

from benchmarks.anytime import ours
from benchmarks.baselines.tasks import SIGMA, crops
from benchmarks.quality import measured, problems, restore
from benchmarks.record import RESULTS, save
from inverse.denoise import Denoiser, Guided, Prior, Transition
from inverse.flows import PinvScore, ScoreFlow
from inverse.levels import VP, Grid, vp_grid
from inverse.metrics import LPIPS, score
from inverse.priors import BUNDLED, load_prior
from inverse.samplers import Process, Sampler
from inverse.transitions import DDIM, Anneal, DPMSolver2M, Heun, Momentum, Multistep

STEPS, INNER, CALLS = (5, 8, 10, 15), (3, 5, 8), 24
RULES: dict[str, Transition] = {
    "DDIM": DDIM(0.0),
    "PLMS2": Multistep(2),
    "PLMS4": Multistep(4),
    "DPM++ 2M": DPMSolver2M(),
    "HB 0.8": Momentum(1, 0.8),
    "GHVB2 0.8": Momentum(2, 0.8),
    "GHVB2 0.5": Momentum(2, 0.5),
    "GHVB4 0.8": Momentum(4, 0.8),
}
SPLIT = ("DDIM", "PLMS2", "PLMS4", "GHVB2 0.8", "GHVB2 0.5")
INSIDE: dict[str, Transition] = {
    "anneal (shipped)": Anneal(1.0),
    "SDE": DDIM(1.0),
    "ODE": DDIM(0.0),
    "PLMS2": Multistep(2),
    "DPM++ 2M": DPMSolver2M(),
    "HB 0.8": Momentum(1, 0.8),
    "GHVB2 0.8": Momentum(2, 0.8),
    "GHVB2 0.5": Momentum(2, 0.5),
    "Heun": Heun(),
}


def samplers(prior: Prior, kind: str, steps: int) -> dict[str, Sampler]:
    """Every rule on one flow, in so many steps."""
    grid = vp_grid(steps)
    if kind == "split":
        flow = ScoreFlow(PinvScore(1.0))
        return {name: Process(prior, RULES[name], grid, flow, "strang") for name in SPLIT}
    return {name: Process(_denoiser(prior, kind), rule, grid) for name, rule in RULES.items()}


def converged(prior: Prior, kind: str) -> Sampler:
    """The flow that `samplers` follow, in many steps."""
    return Process(_denoiser(prior, kind), Heun(), Grid(60, VP(), start=150.0, end=0.01))


def _denoiser(prior: Prior, kind: str) -> Denoiser:
    return prior if kind == "unguided" else Guided(prior, PinvScore(1.0))


def pictures(images: str = "2", side: str = "64", precision: str = "float32") -> None:
    """Measure unguided, guided and split sampling in few steps."""
    prior, lpips, rows = load_prior(BUNDLED, precision), LPIPS("alex"), []
    given = problems("inpaint", crops(int(images), int(side)))
    for kind in ("unguided", "guided", "split"):
        target = [restore(converged(prior, kind), problem, seeds)[0] for _, problem, seeds in given]
        for steps in STEPS:
            for name, sampler in samplers(prior, kind, steps).items():
                found = _followed(sampler, given, target, lpips)
                rows.append({"kind": kind, "steps": steps, "rule": name} | found)
                print(" ".join(_short(v) for v in rows[-1].values()), flush=True)
    config = {"images": int(images), "side": int(side), "sigma": SIGMA}
    save("momentum_pictures", config | {"precision": precision}, rows)
    plot(rows, RESULTS / "momentum_pictures.png")


def _followed(sampler: Sampler, given: list, target: list[Tensor], lpips: LPIPS) -> dict:
    """Means over the images: excess, RMSE and LPIPS to the target, PSNR to the truth."""
    sums, count, nfe, backward = [0.0] * 4, 0, 0, 0
    for (truth, problem, seeds), exact in zip(given, target, strict=True):
        x, _, nfe, backward = restore(sampler, problem, seeds)
        scores = score(x, exact, lpips)
        here = (
            (x.abs() - 1).clamp_min(0).flatten(1).mean(1).sum(),
            (x - exact).square().flatten(1).mean(1).sqrt().sum(),
            sum(scores["lpips"]),
            sum(score(x, truth)["psnr"]),
        )
        sums, count = [a + float(b) for a, b in zip(sums, here, strict=True)], count + len(x)
    keys = ("excess", "error", "lpips_error", "psnr")
    found = {key: value / count for key, value in zip(keys, sums, strict=True)}
    return found | {"nfe": nfe, "backward": backward}


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def plot(rows: list[dict], path: Path) -> None:
    """Excess (above) and error (below) against steps, a column per kind of sampling."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    figure, axes = pyplot.subplots(2, len(kinds), figsize=(3.6 * len(kinds), 6), sharey="row")
    for column, kind in zip(axes.T, kinds, strict=True):
        for axis, key in zip(column, ("excess", "error"), strict=True):
            for name in RULES:
                found = [row for row in rows if (row["kind"], row["rule"]) == (kind, name)]
                axis.plot([r["steps"] for r in found], [r[key] for r in found], ".-", label=name)
            axis.set(yscale="log", xlabel="steps", title=f"{kind}: {key}")
    axes[0][-1].legend(fontsize="x-small")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def inner(
    images: str = "2",
    side: str = "64",
    precision: str = "float32",
    tasks: str = "inpaint,superres",
    folder: str = "mcmaster18",
) -> None:
    """Measure rules inside the nested sampler; not on Kodak, as a default may follow from it."""
    prior, lpips, rows = load_prior(BUNDLED, precision), LPIPS("alex"), []
    truth = crops(int(images), int(side), folder)
    config = {"images": len(truth), "side": int(side), "folder": folder, "sigma": SIGMA}
    for task in tasks.split(","):
        given = problems(task, truth)
        for count, (name, rule) in product(INNER, INSIDE.items()):
            calls = (count + 1) // 2 if name == "Heun" else count  # n steps: 2 n - 1 calls
            sampler = ours(prior, round(CALLS / count), calls, rule)
            found, _ = measured(partial(restore, sampler), given, lpips)
            rows.append({"task": task, "inner": count, "rule": name} | found)
            figures = (found["psnr"], found["lpips"], found["curve"][0]["lpips"], found["nfe"])
            print(task, count, name, *map(_short, figures), flush=True)
        save("momentum_inner", config | {"precision": precision, "nfe": CALLS}, rows)
