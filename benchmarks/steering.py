"""What an expert of small pictures puts into a large hole, beside the Wiener restoration.

INVERSE_DATA=... python -m benchmarks.steering [components=12] [rank=16] [count=2200] [laps=12]

A `LowRankMixture` is fitted to `count` pictures of Caltech-101, whole, of 32 x 32 pixels, and asked
for others, of which only a border of 4 pixels is known, with noise of 0.0125. ``hole`` is the mean
PSNR of its posterior mean there; ``surprise`` the mean squared error over the variance that the
expert says, 1 for one that knows how sure to be.
"""

import os
import sys

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.record import save
from inverse.denoise import spectrum
from inverse.levels import UNKNOWN
from inverse.starts import wiener
from inverse.training.data import ImageSource
from inverse.training.mixtures import exact_evidence, fit_mixture
from inverse.training.observed import Observations
from inverse.training.patches import Patches
from operators import Problem, Rng, gaussian, identity, inpaint_box, measure

ASKED = 120


def pictures(count: int) -> Tensor:
    """The first pictures, their central squares by block means: (count, 3, 32, 32)."""
    source = ImageSource(f"{os.environ['INVERSE_DATA']}/train/caltech101_train_s128.zip")
    stream = Patches([source], 128, 0, count, whole=True)
    return torch.stack([F.avg_pool2d(stream[n].x0, 4) for n in range(count)])


def clean(x: Tensor) -> Observations:
    return Observations([Problem(identity(x.shape[1:]), gaussian(0.05), x)])


def main(components: int = 12, rank: int = 16, count: int = 2200, laps: int = 12) -> None:
    """Write results/steering.json."""
    x = pictures(count + ASKED)
    asked, held = x[count:], clean(x[count:])
    expert = fit_mixture(clean(x[:count]), held, components, rank, laps)
    hole = inpaint_box(asked.shape[1:], 24, 24)
    problem = measure(hole, gaussian(0.0125), asked, Rng(range(ASKED)))
    lost = hole.mask.expand(1, 3, -1, -1)[0] == 0

    def score(x0: Tensor) -> float:
        error = (x0.clamp(-1, 1) - asked)[:, lost].square().mean(1) / 4
        return float((-10 * error.log10()).mean())

    nothing = torch.zeros_like(problem.y)
    mean, variance = expert.believe(*spectrum(problem, "steering").joined(nothing, UNKNOWN))
    surprise = float(((mean - asked) ** 2 / variance)[:, lost].mean())
    rows = [
        {"filled by": "expert", "hole": score(mean), "surprise": surprise},
        {"filled by": "wiener", "hole": score(wiener(problem))},
    ]
    print(rows, exact_evidence(expert, held), flush=True)
    config = {"components": components, "rank": rank, "count": count, "laps": laps}
    save("steering", config, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    with torch.no_grad():
        main(**{k: int(v) for k, v in (item.split("=", 1) for item in sys.argv[1:])})
