"""Denoising of noise that is not the same everywhere, in one network call, beside FFDNet.

INVERSE_DATA=... python -m benchmarks.noise_maps [images=24] [side=256] [folder=kodak24_500]
    [only=even,...] [name=noise_maps]

``ramp``: the noise grows evenly in its logarithm from 0.04 at the left to 0.6 at the right;
``boxes``: squares of 16 pixels, each of its own level between these; ``poisson``: 30 photons at
white, the level told by the measurement itself (`gaussian_around`). ``map`` is a network that
is told the level of every value (`uneven_mean`; FFDNet: the mean variance of 2x2 pixels), ``mean``
the same network told the root mean square of them all. ``even``: 0.1 everywhere, where solvers that
are made for what is lost stand beside the one call.

Writes results/noise_maps.json.
"""

import os
import sys
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.baselines.ffdnet import load_ffdnet
from benchmarks.baselines.tasks import crops
from benchmarks.quality import preset
from benchmarks.record import save
from inverse.apps.configuration import build
from inverse.denoise import gaussian_around
from inverse.levels import Level
from inverse.metrics import LPIPS, score
from inverse.priors import bundled
from inverse.solvers import uneven
from inverse.solving import solve
from operators import Noise, Problem, Rng, gaussian, identity, measure, poisson, seed_for

LEAST, MOST, BOX, PEAK = 0.04, 0.6, 16, 30


def ramp(side: int) -> Noise:
    """From left to right."""
    return gaussian(LEAST * (MOST / LEAST) ** torch.linspace(0, 1, side).expand(1, 3, side, side))


def boxes(side: int) -> Noise:
    """Squares."""
    count = -(-side // BOX)
    share = Rng([seed_for("boxes")]).uniform((1, 1, count, count))
    share = share.repeat_interleave(BOX, -1).repeat_interleave(BOX, -2)[..., :side, :side]
    return gaussian((LEAST * (MOST / LEAST) ** share).expand(1, 3, side, side))


WALKS = ("uneven_mean", "nested_mean", "nested")
LAWS: dict[str, Callable[[int], Noise]] = {
    "ramp": ramp,
    "boxes": boxes,
    "poisson": lambda side: poisson(PEAK),
    "even": lambda side: gaussian(0.1),
}


def ways(law: str) -> dict[str, Callable[[Problem, Tensor], Tensor]]:
    """What is compared: of a problem and the standard deviation of each value."""
    ours, ffdnet = bundled(), load_ffdnet()

    def even(std: Tensor) -> float:
        return float(std.square().mean().sqrt())

    if law == "even":
        walks = {name: build(preset(name))(ours) for name in WALKS}
        return {
            name: lambda p, std, walk=walk: solve(walk, p, Rng([0])).x0
            for name, walk in walks.items()
        } | {"FFDNet": lambda p, std: ffdnet(p.y, even(std))}
    return {
        "bundled, map": lambda p, std: solve(uneven(ours, steps=1), p, Rng([0])).x0,
        "bundled, mean": lambda p, std: ours.denoise(p.y, Level(1.0, even(std))),
        "FFDNet, map": lambda p, std: ffdnet(p.y, std),
        "FFDNet, mean": lambda p, std: ffdnet(p.y, even(std)),
    }


@torch.no_grad()
def main(
    images: str = "24",
    side: str = "256",
    folder: str = "kodak24_500",
    only: str = ",".join(LAWS),
    name: str = "noise_maps",
) -> None:
    """Measure, print and write."""
    truth, lpips, rows = crops(int(images), int(side), folder), LPIPS("alex"), []
    for law in only.split(","):
        noise = LAWS[law](int(side))
        for by, way in ways(law).items():
            found: dict[str, list[float]] = {"psnr": [], "lpips": []}
            for n, x0 in enumerate(truth[:, None]):
                operator = identity(x0.shape[1:])
                problem = measure(operator, noise, x0, Rng([seed_for("noise_maps", n)]))
                std = torch.as_tensor(gaussian_around(problem).sigma).expand_as(x0)
                scores = score(way(problem, std), x0, lpips)
                for key, values in found.items():
                    values.append(float(scores[key][0]))
            means = {key: sum(values) / len(values) for key, values in found.items()}
            rows.append({"noise": law, "by": by} | means)
            print(rows[-1], flush=True)
    save(name, {"images": len(truth), "side": int(side), "folder": folder}, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
