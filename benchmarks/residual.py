"""Super-resolution x4 in four network calls by a network that is told of the measurement.

INVERSE_DATA=... python -m benchmarks.residual [steps=250] [images=3] [out=outputs/residual]

The bundled prior's network is told the Wiener restoration too, what that lacks made its picture
(`widened`, paired), and trained for so many steps of 8 patches of 32 pixels of large photographs,
at the levels of `resshift`; run again, it goes on from its last checkpoint.

On the centres of Kodak photographs, noise of 0.05 on [-1, 1]: ``resshift`` is its walk of 4 calls;
``inside`` has that walk, from each level on, for the estimates of an outer annealing of 3 steps;
``warm`` goes on from it with the bundled prior, by 3 outer steps of ``nested``; ``nested`` alone;
``wiener`` is what the network is told.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.baselines.tasks import SIGMA, crops, superres
from benchmarks.record import save
from inverse.apps.configuration import build, read
from inverse.denoise import Informed, cue
from inverse.levels import Grid
from inverse.metrics import LPIPS, psnr
from inverse.priors import bundled, load_prior, widened
from inverse.samplers import Nested, Once, Process, Sampler, warm_state
from inverse.solvers import nested, resshift
from inverse.solving import solve
from inverse.starts import WienerStart, wiener
from inverse.training.data import DecodedImages, ImageSource
from inverse.training.recipe import Recipe
from inverse.training.telling import Telling
from inverse.training.trainer import Trainer
from inverse.transitions import Anneal
from operators import Problem, Rng, gaussian, measure, seed_for

NOISE = gaussian(SIGMA)
ERROR = 0.17  # so that it begins where `nested` does: the data show a sixteenth of the true one


def trained(steps: int, folder: Path) -> Informed:
    """The informed network."""
    recipe: Recipe = build(
        read("recipe", "residual"), minutes=1e6, every=0.2, steps=steps, patch=32, rate=5e-4
    )
    source = ImageSource(f"{os.environ['INVERSE_DATA']}/train/photos136_wiki_cq.zip")
    torch.manual_seed(0)
    prior, told = widened(bundled(), ["wiener"], paired=True).requires_grad_(True), cue(["wiener"])
    tell = Telling(told, [superres], NOISE, recipe.seed)
    trainer = Trainer(prior, recipe, folder, workers=0, clock=time.process_time, tell=tell)
    for report in trainer.run([DecodedImages(source, folder / "pixels.bytes")]):
        print(report, flush=True)
    return Informed(load_prior(folder / "prior.safetensors"), told, paired=True)


def restored(name: str, network: Informed, problem: Problem, rng: Rng) -> tuple[Tensor, int]:
    """A restoration by one of the ways, and its network calls."""
    ways: dict[str, Callable[[], Sampler]] = {
        "wiener": lambda: Once(wiener),
        "resshift": lambda: resshift(network),
        "inside": lambda: inside(network),
        "nested": lambda: build(read("solver", "nested"))(bundled()),
    }
    if name != "warm":
        result = solve(ways[name](), problem, rng)
        return result.x0, result.nfe
    first = solve(resshift(network), problem, rng)
    begun = warm_state(lambda problem: first.x0, problem, rng, error=ERROR, noise=0.0)
    result = solve(tail(), problem, rng, at=begun)
    return result.x0, first.nfe + result.nfe


def inside(network: Informed) -> Process:
    """An outer annealing whose estimates are walks of the informed network: 9 calls."""
    inner = resshift(network, steps=3)
    outer = Grid(3, start=0.3, end=0.1, spacing="log")
    return Process(Nested(inner), Anneal(0.5), outer, start=WienerStart())


def tail() -> Process:
    """`nested` of 8 calls."""
    return nested(bundled(), outer_steps=3, inner_least=2, inner_most=3)


def main(steps: int = 250, images: int = 3, out: str = "outputs/residual") -> None:
    """Write results/residual.json."""
    network = trained(steps, Path(out))
    distance, rows = LPIPS(), []
    for name in ("wiener", "resshift", "inside", "warm", "nested"):
        found = []
        for n, x0 in enumerate(crops(images)):
            rng = Rng([seed_for("residual", n)])
            problem = measure(superres(x0.shape), NOISE, x0[None], rng)
            x, calls = restored(name, network, problem, rng)
            found.append((float(psnr(x, x0[None])), float(distance(x, x0[None])), calls))
        scores = torch.tensor(found).mean(0).tolist()
        rows.append(dict(zip(("psnr", "lpips", "calls"), scores, strict=True)) | {"by": name})
        print(rows[-1], flush=True)
    config = {"steps": steps, "images": images, "sigma": SIGMA}
    save("residual", config, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    words: dict[str, Any] = dict(item.split("=", 1) for item in sys.argv[1:])
    words |= {k: int(v) for k, v in words.items() if v.isdigit()}
    main(**words)
