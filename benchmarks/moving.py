"""The moving picture of docs/how-to/clips.md: a clip, what was measured, and two restorations.

python -m benchmarks.moving [frames=8] [side=64]

A window that moves over scikit-image's chelsea (CC0) by four columns a frame, measured as means of
two frames and of 2 x 2 pixels with noise 0.05, and restored by `nested_video` with the bundled
prior, frame by frame (`rho=0 mu=0`) and along the motion that is found in the Wiener restoration.
"""

import sys
from pathlib import Path

from PIL import Image
from torch import Tensor

from benchmarks.clips import pan
from inverse.images import Tile, panel, sample_photograph
from inverse.images.motion import estimated
from inverse.priors import bundled
from inverse.solvers import nested_video
from inverse.solving import solve
from inverse.starts import wiener
from operators import Rng, downsample, exposure, framewise, gaussian, measure

PICTURE = Path(__file__).parent.parent / "docs" / "clip.gif"
STEP, MU, WAIT = 4, 20.0, 250  # columns a frame; milliseconds a frame


def clips(side: int, frames: int) -> dict[str, Tensor]:
    """(C, T, H, W) each, by what they are called."""
    truth = pan(sample_photograph("chelsea", size=2 * side), side, frames, STEP)
    slow = exposure(truth.shape, every=2)
    operator = framewise(downsample((3, side, side), 2), frames // 2) @ slow
    problem = measure(operator, gaussian(0.05), truth[None], Rng([0]))
    prior, motion = bundled(), estimated(wiener(problem)[0], span=2)
    alone = nested_video(prior, rho=0.0, mu=0.0)
    whole = nested_video(prior, mu=MU, motion=motion)
    return {
        "truth": truth,
        "measured": problem.y[0],
        "frame by frame": solve(alone, problem, Rng([1])).x0[0],
        "along the motion": solve(whole, problem, Rng([1])).x0[0],
    }


def main(frames: str = "8", side: str = "64") -> None:
    """Restore and write the picture."""
    made, count = clips(int(side), int(frames)), int(frames)
    shown: list[Image.Image] = []
    for t in range(count):
        tiles = [Tile(name, x[:, t * x.shape[1] // count]) for name, x in made.items()]
        shown.append(panel(tiles, size=128))
    shown[0].save(PICTURE, save_all=True, append_images=shown[1:], duration=WAIT, loop=0)
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
