"""The bundled prior as a denoiser: PSNR on CBSD68 beside FFDNet, and on whole images of any size.

INVERSE_DATA=... python -m benchmarks.denoising [precision=float32] [prior=PATH]

Colour, noise of standard deviation 15, 25, 50 of 255 on [0, 1], whole images, image i noised from
seed i. The size check denoises centre crops of 64, 256 and 500 pixels of the Kodak set.
"""

import os
import sys
from pathlib import Path

import torch

from benchmarks.baselines.ffdnet import FFDNetPrior
from benchmarks.record import save
from inverse.priors import BUNDLED, load_prior
from inverse.training.data import ImageSource
from inverse.training.validation import SIGMAS, denoising_psnr


class Centre:
    """The centre squares of a source."""

    def __init__(self, source: ImageSource, side: int) -> None:
        self.source, self.side = source, side

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int):  # noqa: ANN204
        image, side = self.source[index], self.side
        top, left = ((n - side) // 2 for n in image.shape[:2])
        return image[top : top + side, left : left + side]


def main(precision: str = "float32", prior: str | Path = BUNDLED) -> None:
    """Write results/denoising.json."""
    data = Path(os.environ["INVERSE_DATA"]) / "eval"
    cbsd, kodak = ImageSource(data / "cbsd68"), ImageSource(data / "kodak24_500")
    ours, ffdnet = load_prior(prior, precision), FFDNetPrior()
    rows = []
    for name, model in (("bundled prior", ours), ("FFDNet", ffdnet)):
        rows.append({"model": name, "set": "CBSD68"} | denoising_psnr(model, cbsd))
        print(rows[-1], flush=True)
    for side in (64, 256, 500):
        for name, model in (("bundled prior", ours), ("FFDNet", ffdnet)):
            crops = Centre(kodak, side)
            found = denoising_psnr(model, crops, (25,))  # pyright: ignore[reportArgumentType]
            rows.append({"model": name, "set": f"Kodak centre {side}"} | found)
            print(rows[-1], flush=True)
    save("denoising", {"sigmas": SIGMAS, "precision": precision}, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
