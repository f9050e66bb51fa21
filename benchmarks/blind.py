"""How near the blind mode comes to the noise and the blur of photographs, look by look.

INVERSE_DATA=... python -m benchmarks.blind [count=3] [side=128] [folder=mcmaster18]
    [looks=1,0.5,0.25,0.12] [tasks=denoise,inpaint] [name=blind]

Centres of photographs that are not Kodak's, the bundled prior, diffpir for a walk. The level of the
noise (or its photons and read noise) is unknown in every task, the blur in those that are named
after a family: these are blurred before they are cropped, so that nothing goes on round their
borders. ``found``: before the first look and after each of them. ``wavelets``: scikit-image's
estimate of the noise that is to be removed, where PyWavelets is installed. Tasks whose names begin
as said; in turns, of one commit.
Where each pixel is kept or lost `Blind` looks at nothing (``looks=`` without a value).
"""

import os
import sys
from importlib.util import find_spec
from itertools import pairwise

import torch
from skimage.restoration import estimate_sigma
from torch import Tensor

from benchmarks.baselines.tasks import crops, inpaint, superres
from benchmarks.record import earlier, save
from inverse.levels import Level
from inverse.priors import bundled
from inverse.samplers import Blind, Family, Found, NoiseLevel, PhotonNoise, Refit, blur_family
from inverse.solvers import diffpir
from operators import (
    Operator,
    Problem,
    Rng,
    blur_kernel,
    gaussian,
    identity,
    kernels,
    measure,
    poisson_gaussian,
)

SIZE, PADDING = 25, "replicate"
KNOWN = {
    **{f"denoise {sigma}": (identity, sigma) for sigma in (0.02, 0.05, 0.1, 0.2)},
    "inpaint": (inpaint, 0.05),
    "superres": (superres, 0.05),
}
BLURS: dict[str, tuple[Family, dict[str, float]]] = {
    "gaussian 1.5": ("gaussian", {"std": 1.5}),
    "gaussian 3": ("gaussian", {"std": 3.0}),
    "defocus": ("defocus", {"radius": 4.0}),
    "motion": ("motion", {"length": 10.0, "angle": 30.0}),
}
PHOTONS = {"photons 50": (50, 0.02), "photons 200": (200, 0.02), "photons loud": (200, 0.1)}
PHOTONS |= {"photons 1000": (1000, 0.05)}
MAKERS = {"gaussian": kernels.gaussian, "defocus": kernels.defocus, "motion": kernels.line}


def measured(operator: Operator, sigma: float, x: Tensor, seed: int) -> Tensor:
    y = operator(x)
    return y + sigma * Rng([seed]).normal(y.shape)


def wavelets(y: Tensor) -> dict[str, float]:
    """The median of the finest wavelets, the mean over channels."""
    if find_spec("pywt") is None:
        return {}
    return {"wavelets": float(estimate_sigma(y[0].numpy(), average_sigmas=True, channel_axis=0))}


def told(found: tuple[Found, ...]) -> dict[str, float]:
    return {name: float(n.told[0]) for part in found for name, n in part.numbers.items()}


def followed(problem: Problem, refits: list[Refit], looks: tuple[float, ...]) -> list[dict]:
    """What is known before the first look and after each of them."""
    walk = Blind(diffpir(bundled(), steps=4), refits, looks=looks)
    path, rng = [Level(1.0, nsr) for nsr in (2.0, *looks)], Rng([0])
    x, memory = walk.begin(problem, rng, path[0])
    known = [told(memory.found)]
    for a, b in pairwise(path):
        x, _, memory = walk.step(x, a, b, memory, problem, rng)
        known.append(told(memory.found))
    return known


def made(wide: Tensor, side: int, seed: int) -> dict[str, tuple[dict, Problem, list[Refit]]]:
    """By name: the truth, the problem with guesses in the place of what is unknown, the refits."""
    margin, problems = (wide.shape[-1] - side) // 2, {}
    x, shape = wide[..., margin:-margin, margin:-margin].contiguous(), (3, side, side)
    for name, (build, sigma) in KNOWN.items():
        operator = build(shape)
        y = measured(operator, sigma, x, seed)
        problems[name] = {"sigma": sigma}, Problem(operator, gaussian(0.1), y), [NoiseLevel()]
    for name, (peak, read) in PHOTONS.items():
        problem = measure(identity(shape), poisson_gaussian(peak, read), x, Rng([seed]))
        problems[name] = {"peak": peak, "read": read}, problem, [PhotonNoise()]
    for name, (family, numbers) in BLURS.items():
        blurred = blur_kernel(wide.shape[1:], MAKERS[family](SIZE, **numbers))
        y = measured(blurred, 0.04, wide, seed)[..., margin:-margin, margin:-margin].contiguous()
        noise = NoiseLevel()
        blur = blur_family(family, SIZE, PADDING, noise)
        problem = Problem(blur.guess(shape), gaussian(0.1), y)
        problems[name] = {"sigma": 0.04} | numbers, problem, [blur, noise]
    return problems


def main(
    count: str = "3",
    side: str = "128",
    folder: str = "mcmaster18",
    looks: str = "1,0.5,0.25,0.12",
    tasks: str = "",
    name: str = "blind",
) -> None:
    """Measure, print, and write after every picture."""
    levels, rows = tuple(float(nsr) for nsr in looks.split(",") if nsr), []
    pictures = crops(int(count), int(side) + 2 * SIZE, folder)
    config = {"count": int(count), "side": int(side), "folder": folder, "looks": list(levels)}
    for place, wide in enumerate(pictures):
        for task, (truth, problem, refits) in made(wide[None], int(side), place).items():
            if not task.startswith(tuple(tasks.split(","))):
                continue
            found = followed(problem, refits, levels)
            row = {"picture": place, "task": task, "truth": truth, "found": found}
            rows.append(row | (wavelets(problem.y) if task.startswith("denoise") else {}))
            print(*row.values(), flush=True)
        save(name, config, rows + earlier(name, config, rows, ("picture", "task")))


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
