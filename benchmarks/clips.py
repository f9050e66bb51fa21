"""Clips: `nested_video` beside the same sampler frame by frame, on pans and on footage.

INVERSE_DATA=... python -m benchmarks.clips [prior=bundled|ffdnet|PATH] [clips=4] [side=96]
    [frames=9] [step=2] [only=...] [name=clips]
INVERSE_DATA=... python -m benchmarks.clips film=FILE at=42,110,145,210 name=clips_film [...]

Windows that move over Kodak pictures by ``step`` columns a frame; or the central square of a film,
``side`` pixels wide, from each of the frames ``at``. Measured are means of three frames and of
4 x 4 pixels with noise 0.05. "known" motion is the window's, "estimated" is found in the Wiener
restoration, "still" is none, which is wrong here. Flicker is the mean square error of
`x_t - W x_{t-1}` along the true motion, in a film that which is found in the truth. "frame by
frame" costs what T pictures do.
"""

import os
import sys
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.quality import named, preset
from benchmarks.record import earlier, save
from inverse.apps.configuration import build
from inverse.images import list_images, load_clip, load_image
from inverse.images.motion import estimated, sources
from inverse.metrics import LPIPS, score
from inverse.solving import solve
from inverse.starts import wiener
from operators import Rng, downsample, framewise, gaussian, measure, seed_for, temporal_average

SIGMA = 0.05
METHODS: dict[str, dict] = {
    "frame by frame": {"rho": 0.0, "mu": 0.0},
    "still, shared": {"rho": 1.0, "mu": 0.0},
    "still, tied": {"rho": 1.0, "mu": 5.0},
    "known, carried": {"rho": 1.0, "mu": 0.0, "motion": "known"},
    "known, tied": {"rho": 0.0, "mu": 5.0, "motion": "known"},
    "known, both": {"rho": 1.0, "mu": 5.0, "motion": "known"},
    "known, both, 20": {"rho": 1.0, "mu": 20.0, "motion": "known"},
    "estimated, both": {"rho": 1.0, "mu": 5.0, "motion": "estimated"},
    "estimated, both, 20": {"rho": 1.0, "mu": 20.0, "motion": "estimated"},
}


def pan(image: Tensor, side: int, frames: int, step: int) -> Tensor:
    """(3, frames, side, side): a window that moves to the right, about the centre."""
    top = (image.shape[1] - side) // 2
    left = (image.shape[2] - side - step * (frames - 1)) // 2
    cut = [image[:, top : top + side, left + step * t :][..., :side] for t in range(frames)]
    return torch.stack(cut, 1)


def panned(side: int, frames: int, step: int, clips: int) -> list[tuple[Tensor, Tensor]]:
    """Pans over Kodak pictures, and their motion."""
    files = list_images(Path(os.environ["INVERSE_DATA"]) / "eval" / "kodak24_500")
    chosen = [load_image(files[i * len(files) // clips]) for i in range(clips)]
    motion = torch.zeros(frames, 2, side, side)
    motion[:, 1] = -step  # the window moves to the right, the picture to the left
    return [(pan(image, side, frames, step), motion) for image in chosen]


def filmed(film: str, at: str, side: int, frames: int) -> list[tuple[Tensor, Tensor]]:
    """Pieces of a film, and the motion that is found in them."""
    starts = [int(start) for start in at.split(",")]
    whole = load_clip(film, frames=max(starts) + frames, size=side)
    pieces = [whole[:, start : start + frames] for start in starts]
    return [(piece, estimated(piece)) for piece in pieces]


def flicker(x: Tensor, truth: Tensor, motion: Tensor) -> float:
    """The mean square error of the change along the motion, of clips (C, T, H, W)."""
    error = (x - truth).flatten(2)
    count = error.shape[2]
    source = sources(motion, *x.shape[1:])[1:]
    change = error[:, 1:] - error[:, :-1].gather(2, source.clamp_max(count - 1).expand(3, -1, -1))
    return float(change[(source < count).expand_as(change)].square().mean())


def main(
    prior: str = "bundled",
    clips: str = "4",
    side: str = "96",
    frames: str = "9",
    step: str = "2",
    only: str = "",
    name: str = "clips",
    film: str = "",
    at: str = "0",
) -> None:
    """Measure, print, and write after every method."""
    network, lpips, count = named(prior), LPIPS("alex"), int(frames)
    if film:
        truths = filmed(film, at, int(side), count)
    else:
        truths = panned(int(side), count, int(step), int(clips))
    shape = truths[0][0].shape
    operator = framewise(downsample((3, *shape[2:]), 4), count // 3) @ temporal_average(shape, 3)
    config = {"clips": len(truths), "side": int(side), "frames": count}
    config |= {"film": Path(film).name, "at": at} if film else {"step": int(step)}
    config |= {"sigma": SIGMA, "prior": prior}
    rows: list[dict] = []
    for method in only.split(";") if only else METHODS:
        found = []
        for k, (truth, known) in enumerate(truths):
            noise = Rng([seed_for(0, "clips", k, "noise")])
            problem = measure(operator, gaussian(SIGMA), truth[None], noise)
            setting = preset("nested_video")
            options = dict(METHODS[method])
            motion = options.pop("motion", None)
            setting.update(options)
            if motion == "known":
                motion = known
            elif motion == "estimated":
                motion = estimated(wiener(problem)[0], span=3)
            sampler = build(setting)(network, motion=motion)
            result = solve(sampler, problem, Rng([seed_for(0, "clips", k, "sample")]), keep=0)
            x = result.x0[0]
            scores = score(x.movedim(1, 0), truth.movedim(1, 0), lpips)
            means = {key: sum(v) / len(v) for key, v in scores.items()}
            found.append(means | {"flicker": flicker(x, truth, known), "seconds": result.seconds})
        row: dict = {"method": method}
        row |= {key: sum(f[key] for f in found) / len(found) for key in found[0]}
        print(prior, *(v if isinstance(v, str) else f"{v:.4f}" for v in row.values()), flush=True)
        rows.append(row)
        save(name, config, earlier(name, config, rows, ("method",)) + rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
