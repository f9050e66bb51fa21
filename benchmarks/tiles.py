"""Seams: the bundled prior in tiles, its error at their borders over its error elsewhere.

INVERSE_DATA=... python -m benchmarks.tiles denoising|restoring [tile=64] [side=192] [count=2]

The first Kodak images' centres, noised at 15 and 50 of 255, are denoised, or with 70 % lost and
noise 0.05 restored by `nested` (outer 2), whole and in tiles of the side of the prior's training.
Borders are the pixels within 4 of a tile's edge inside the image. ``ratio`` is the RMS error at
borders over that elsewhere; ``whole`` the same pixels' ratio for the untiled prior, which is what
the pictures themselves do; ``change`` the RMS difference from the untiled prior over its RMS error.
"""

import os
import sys
from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.denoising import Centre
from benchmarks.record import save
from inverse.denoise import Prior
from inverse.levels import Level
from inverse.priors import Tiled, bundled
from inverse.solvers import nested
from inverse.solving import solve
from inverse.training.data import ImageSource, as_tensor
from operators import Rng, gaussian, inpaint_random, measure, seed_for

WIDTH = 4


def borders(tile: int, overlap: int, height: int, width: int) -> Tensor:
    """Which pixels of an image lie within `WIDTH` of a tile's edge inside it, (height, width)."""

    def line(side: int) -> Tensor:
        starts = [min(k, side - tile) for k in range(0, side - overlap, tile - overlap)]
        near = torch.zeros(side, dtype=torch.bool)
        for edge in {e for start in starts for e in (start, start + tile)} - {0, side}:
            near[edge - WIDTH : edge + WIDTH] = True
        return near

    return line(height)[:, None] | line(width)


def rms(error: Tensor, where: Tensor) -> float:
    return float(error[..., where].square().mean().sqrt())


def row(x0: Tensor, whole: Tensor, tiled: Tensor, overlap: int, tile: int) -> dict:
    """What the module's docstring says, of estimates of ``x0`` (B, C, side, side)."""
    at = borders(tile, overlap, *x0.shape[-2:])
    ratios = [rms(d - x0, at) / rms(d - x0, ~at) for d in (tiled, whole)]
    change = float((tiled - whole).norm() / (whole - x0).norm())
    return {"overlap": overlap, "ratio": ratios[0], "whole": ratios[1], "change": change}


def denoising(x0: Tensor, prior: Prior, tile: int) -> Iterator[dict]:
    rng = Rng([seed_for("tiles", i) for i in range(len(x0))])
    for sigma in (15, 50):
        level = Level(1.0, sigma / 127.5)
        x = x0 + level.sigma * rng.normal(x0.shape)
        whole = torch.cat([prior.denoise(one, level) for one in x.split(1)])
        for overlap in (tile // 4, 0):
            tiled = Tiled(prior, tile, overlap).denoise(x, level)
            yield {"sigma": sigma} | row(x0, whole, tiled, overlap, tile)


def restoring(x0: Tensor, prior: Prior, tile: int) -> Iterator[dict]:
    seeds = [seed_for("tiles", i) for i in range(len(x0))]
    mask = inpaint_random(tuple(x0.shape[1:]), keep=0.3)
    problem = measure(mask, gaussian(0.05), x0, Rng(seeds))
    whole = solve(nested(prior, outer_steps=2), problem, Rng(seeds)).x0
    tiled = solve(nested(Tiled(prior, tile), outer_steps=2), problem, Rng(seeds)).x0
    yield {"lost": 0.7} | row(x0, whole, tiled, tile // 4, tile)


def main(part: str, tile: int = 64, side: int = 192, count: int = 2) -> None:
    """Write results/tiles_<part>.json."""
    images = Centre(ImageSource(f"{os.environ['INVERSE_DATA']}/eval/kodak24_500"), side)
    x0, rows = torch.stack([as_tensor(images[i]) for i in range(count)]), []
    for found in {"denoising": denoising, "restoring": restoring}[part](x0, bundled(), tile):
        print(found, flush=True)
        rows.append(found)
    save(f"tiles_{part}", {"tile": tile, "side": side, "count": count}, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    options = (item.split("=", 1) for item in sys.argv[2:])
    with torch.no_grad():
        main(sys.argv[1], **{key: int(value) for key, value in options})
