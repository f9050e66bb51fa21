"""A photograph of 24 megapixels through the command line: seams, memory, time.

INVERSE_DATA=... python -m benchmarks.large [megapixels=24] [tile=512]

The largest of photos54_half, enlarged (bicubic), with noise of 0.1, is written as an 8-bit PNG and
restored by `inverse restore measurement=noisy.png out=r.png operator=identity noise.sigma=0.1
solver=uneven_mean prior.tile=512 lpips=null`, one call of the network, in a process of its own.
``ratio`` is the RMS error at the tiles' borders over that elsewhere, as in `benchmarks.tiles`;
``memory_gib`` the most that the process had resident, ``cpu`` its seconds.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from benchmarks.record import save
from benchmarks.tiles import borders, rms
from inverse.training.data import ImageSource

SIGMA = 0.1  # of [-1, 1]


def enlarged(megapixels: float) -> Image.Image:
    """The largest photograph with at least so many pixels."""
    source = ImageSource(f"{os.environ['INVERSE_DATA']}/train/photos54_half.zip")
    image = Image.fromarray(max((source[i] for i in range(len(source))), key=lambda x: x.size))
    zoom = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
    size = round(image.width * zoom) + 1, round(image.height * zoom) + 1
    return image.resize(size, Image.Resampling.BICUBIC)


def noised(image: Image.Image) -> Image.Image:
    """With noise of `SIGMA`, cut off at black and white as any file of 8 bits."""
    draw = np.random.default_rng(0).standard_normal((image.height, image.width, 3), np.float32)
    draw *= SIGMA * 127.5
    draw += np.asarray(image)
    return Image.fromarray(draw.round(out=draw).clip(0, 255, out=draw).astype(np.uint8))


def restored(folder: str, tile: int) -> dict:
    """Restore noisy.png of a folder into r.png; what it cost."""
    command = [sys.executable, "-m", "inverse.apps.main", "restore", "measurement=noisy.png"]
    command += ["out=r.png", "operator=identity", f"noise.sigma={SIGMA}", "solver=uneven_mean"]
    command += [f"prior.tile={tile}", "lpips=null", "device=cpu"]
    command += ["hydra.run.dir=run"]
    subprocess.run(command, cwd=folder, check=True)
    used = getrusage(RUSAGE_CHILDREN)
    told = json.loads(Path(folder, "run", "metrics.json").read_text())
    cost = {"nfe": told["nfe"], "seconds": told["seconds"], "cpu": used.ru_utime + used.ru_stime}
    return cost | {"memory_gib": used.ru_maxrss / 2**20}


def main(megapixels: float = 24, tile: int = 512) -> None:
    """Write results/large.json."""
    with TemporaryDirectory() as folder:
        truth = enlarged(megapixels)
        noised(truth).save(Path(folder, "noisy.png"), compress_level=1)
        cost = restored(folder, tile)
        numbers = [np.asarray(i, np.float32) for i in (truth, Image.open(Path(folder, "r.png")))]
    error = torch.from_numpy(numbers[1] - numbers[0]).movedim(2, 0) / 127.5
    at = borders(tile, tile // 4, truth.height, truth.width)
    row = {"width": truth.width, "height": truth.height, "ratio": rms(error, at) / rms(error, ~at)}
    row |= {"psnr": -20 * math.log10(float(error.square().mean().sqrt()) / 2)} | cost
    print(row, flush=True)
    save("large", {"megapixels": megapixels, "tile": tile, "sigma": SIGMA}, [row])


if __name__ == "__main__":
    options = (item.split("=", 1) for item in sys.argv[1:])
    main(**{key: int(value) for key, value in options})
