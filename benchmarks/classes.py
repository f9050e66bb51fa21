"""Which class a masked picture is of: the evidence of a Gaussian for each, exact and by denoising.

INVERSE_DATA=... python -m benchmarks.classes [rank=12] [count=100] [asked=20]

The classes of Caltech-101 with the most pictures; for each a `LowRankMixture` of one component is
fitted to `count` pictures, whole, of 32 x 32 pixels. Others, `asked` of each, are measured with
noise of 0.1 on [-1, 1] outside of a box that hides ``hidden`` of the picture; the class is told:
``exact`` by the Gaussians' own evidence, ``denoising`` by `class_posterior`, shares of right ones.
"""

import math
import os
import sys
from collections import Counter

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.record import save
from inverse.denoise import spectrum
from inverse.levels import UNKNOWN
from inverse.priors import Classes, LowRankMixture
from inverse.training.data import ImageSource
from inverse.training.evidence import class_posterior
from inverse.training.mixtures import fit_gaussian
from inverse.training.observed import Observations
from operators import Problem, Rng, gaussian, identity, inpaint_box, measure

SIDE, SIGMA, ODD = 32, 0.1, ("BACKGROUND_Google", "Faces_easy")


def picture(source: ImageSource, number: int) -> Tensor:
    """Its central square by means, (3, SIDE, SIDE)."""
    x = source.tensor(number)
    side = min(x.shape[1:])
    top, left = ((s - side) // 2 for s in x.shape[1:])
    return F.adaptive_avg_pool2d(x[:, top : top + side, left : left + side], SIDE)


def main(rank: int = 12, count: int = 100, asked: int = 20) -> None:
    """Write results/classes.json."""
    source = ImageSource(f"{os.environ['INVERSE_DATA']}/train/caltech101_train_s128.zip")
    folders = [name.split("/")[-2] for name in source.names]
    enough = [c for c, n in Counter(folders).most_common() if n >= count + asked and c not in ODD]
    print(enough, flush=True)
    models: list[LowRankMixture] = []
    others: list[Tensor] = []
    for name in enough:
        own = [n for n, folder in enumerate(folders) if folder == name][: count + asked]
        x = torch.stack([picture(source, n) for n in own])
        fitted = Observations([Problem(identity(x.shape[1:]), gaussian(0.05), x[:count])])
        models.append(fit_gaussian(*fitted.split(0.15), rank, laps=12))
        others.append(x[count:])
    x0, truth = torch.cat(others), torch.arange(len(enough)).repeat_interleave(asked)
    rows = []
    for hidden in (0.0, 0.25, 0.5, 0.75):
        side = round(SIDE * math.sqrt(hidden))
        operator = inpaint_box(x0.shape[1:], side, side) if side else identity(x0.shape[1:])
        problem = measure(operator, gaussian(SIGMA), x0, Rng(range(len(x0))))
        state = spectrum(problem, "classes").joined(torch.zeros_like(x0), UNKNOWN)
        exact = torch.stack([model.log_evidence(*state) for model in models], 1)
        guess = class_posterior(Classes(models), problem)
        right = {"exact": exact.argmax(1), "denoising": guess.argmax(1)}
        shares = {key: float((found == truth).float().mean()) for key, found in right.items()}
        rows.append({"hidden": side**2 / SIDE**2, "classes": len(enough)} | shares)
        print(rows[-1], flush=True)
    save("classes", {"rank": rank, "count": count, "asked": asked, "sigma": SIGMA}, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    with torch.no_grad():
        main(**{k: int(v) for k, v in (item.split("=", 1) for item in sys.argv[1:])})
