"""Measure the baselines on some Kodak crops (centre 256x256), and show what they give.

INVERSE_DATA=... python -m benchmarks.baselines.check [images=4] [folder for panels]
"""

import os
import sys
import time
from pathlib import Path

import torch

from inverse.images import list_images, load_image, save_image
from inverse.metrics import LPIPS, score
from inverse.panels import Tile, panel
from operators import Rng, gaussian, measure

from . import suite
from .ffdnet import load_ffdnet
from .tasks import SIGMA, TASKS


def crops(count: int, side: int = 256) -> torch.Tensor:
    """(count, 3, 256, 256) in [-1, 1], evenly spread over the set; 4 are kodim01, 07, 13, 19."""
    files = list_images(Path(os.environ["INVERSE_DATA"]) / "eval" / "kodak24_500")
    images = [load_image(files[i * len(files) // count]) for i in range(count)]
    tops = [((x.shape[1] - side) // 2, (x.shape[2] - side) // 2) for x in images]
    return torch.stack(
        [x[:, t : t + side, s : s + side] for x, (t, s) in zip(images, tops, strict=True)]
    )


def main(count: int = 4, folder: str | None = None) -> None:
    """Print mean PSNR, SSIM, LPIPS and CPU seconds per image of every baseline on every task."""
    truth, lpips, net = crops(count), LPIPS("alex"), load_ffdnet()
    for task, operator in TASKS.items():
        seeds = list(range(count))
        problem = measure(operator(truth.shape[1:], 0), gaussian(SIGMA), truth, Rng(seeds))
        tiles = [Tile("truth", truth[0])]
        for name, method in suite(task, net).items():
            begin = time.process_time()
            x = method(problem)
            seconds = (time.process_time() - begin) / count
            mean = {k: sum(v) / count for k, v in score(x, truth, lpips).items()}
            text = " ".join(f"{k} {v:7.3f}" for k, v in mean.items())
            print(f"{task:9} {name:16} {text}  {seconds:6.2f} CPU s", flush=True)
            tiles.append(Tile(name, x[0], f"{score(x[:1], truth[:1])['psnr'][0]:.2f} dB"))
        if folder is not None:
            save_image(panel(tiles), Path(folder) / f"{task}.png")


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["4"])[0]), (sys.argv[2:] or [None])[0])
