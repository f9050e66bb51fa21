"""How near the blind mode comes to Levin's eight kernels of hands that shook, on photographs.

INVERSE_DATA=... python -m benchmarks.blind_levin [count=2] [side=255] [folder=kodak24_500]
    [steps=12] [kernels=0,1,2,3,4,5,6,7]

Centres of photographs, blurred before they are cropped, so that nothing goes on round their
borders, with noise 0.02; the bundled prior, diffpir for a walk. ``blurred``: PSNR of what is given;
``known``, ``blind``: restored with the kernel, and with the one that is found; ``lucy``: by
Richardson and Lucy's rule for the image and the kernel in turns (Fish et al., 1995,
doi:10.1364/JOSAA.12.000058). All over the middle, 30 pixels from the borders, moved by whole
pixels to where it is best, as image and kernel may move against each other. ``alike``: the highest
correlation of the two kernels. Kernels can be asked for in turns, of one commit.
"""

import os
import sys
from pathlib import Path

import numpy as np
import torch
from scipy.signal import fftconvolve
from torch import Tensor

from benchmarks.baselines.tasks import crops
from benchmarks.record import earlier, save
from inverse.priors import bundled
from inverse.samplers import Blind, BlurKernel
from inverse.solvers import diffpir
from inverse.solving import solve
from operators import Problem, Rng, blur_kernel, gaussian

SIGMA, SIZE, PADDING, MARGIN, MOVES = 0.02, 27, "replicate", 30, 6


def levin(number: int) -> Tensor:
    """(h, w), of sum 1."""
    with np.load(Path(os.environ["INVERSE_DATA"]) / "operators" / "blur_kernels.npz") as file:
        return torch.from_numpy(file[f"levin09_{number}"])


def moved_psnr(x: Tensor, truth: Tensor) -> float:
    """The best over moves by whole pixels."""
    inside = truth[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    moves = range(-MOVES, MOVES + 1)
    rolled = (x.roll((i, j), (-2, -1)) for i in moves for j in moves)
    errors = ((r[..., MARGIN:-MARGIN, MARGIN:-MARGIN] - inside).square().mean() for r in rolled)
    return 10 * float(torch.log10(4 / torch.stack(list(errors)).min()))


def alike(kernel: Tensor, truth: Tensor) -> float:
    """The highest correlation over all moves."""
    sides = [2 * SIZE] * 2
    both = [torch.fft.rfft2(k.double(), sides) for k in (kernel, truth)]
    together = torch.fft.irfft2(both[0] * both[1].conj(), sides).max()
    return float(together / (kernel.double().norm() * truth.double().norm()))


def lucy(y: Tensor, rounds: int = 10, updates: int = 5) -> Tensor:
    """Restored by `x <- x (k^T * (y / k * x))` and the same of k, in turns, of images in [0, 1]."""
    seen = ((y[0].numpy() + 1) / 2).clip(1e-3, 1)
    x, k = seen.copy(), np.full((SIZE, SIZE), SIZE**-2.0)
    reach = SIZE // 2
    for _ in range(rounds):
        for _ in range(updates):
            share = seen.mean(0) / fftconvolve(x.mean(0), k, "same").clip(1e-3)
            change = fftconvolve(share, x.mean(0)[::-1, ::-1], "same")
            row, column = (n // 2 for n in change.shape)
            k = k * change[row - reach : row + reach + 1, column - reach : column + reach + 1]
            k = k.clip(0) / k.clip(0).sum()
        for _ in range(updates):
            share = seen / np.stack([fftconvolve(c, k, "same") for c in x]).clip(1e-3)
            x = x * np.stack([fftconvolve(c, k[::-1, ::-1], "same") for c in share])
            x = x.clip(1e-3, 1)
    return torch.from_numpy(x[None]).float() * 2 - 1


def compared(wide: Tensor, number: int, side: int, steps: int, seed: int) -> dict:
    """A row's figures."""
    margin = (wide.shape[-1] - side) // 2
    cut = (..., slice(margin, margin + side), slice(margin, margin + side))
    y = blur_kernel(wide.shape, levin(number)[None, None])(wide[None])
    y, x = (y + SIGMA * Rng([seed]).normal(y.shape))[cut].contiguous(), wide[None][cut]
    operator = blur_kernel(x.shape[1:], levin(number)[None, None], PADDING)
    problem, solver = Problem(operator, gaussian(SIGMA), y), diffpir(bundled(), steps=steps)
    restored = solve(solver, problem, Rng([seed])).x0
    blind = solve(Blind(solver, [BlurKernel(SIZE, PADDING)]), problem, Rng([seed]))
    kernel, extent = blind.found[0].kernel, blind.found[0].numbers["extent"]
    assert kernel is not None
    scores = {"blurred": y, "known": restored, "blind": blind.x0, "lucy": lucy(y)}
    return {name: round(moved_psnr(v, x), 2) for name, v in scores.items()} | {
        "alike": round(alike(kernel[0, 0], levin(number)), 3),
        "extent": [round(float(value[0]), 3) for value in extent],
    }


def main(
    count: str = "2",
    side: str = "255",
    folder: str = "kodak24_500",
    steps: str = "12",
    kernels: str = "0,1,2,3,4,5,6,7",
) -> None:
    """Measure, print, and write after every row."""
    config = {"count": int(count), "side": int(side), "folder": folder, "steps": int(steps)}
    rows: list[dict] = []
    for place, wide in enumerate(crops(int(count), int(side) + 2 * SIZE, folder)):
        for number in map(int, kernels.split(",")):
            row = {"picture": place, "kernel": number}
            rows.append(row | compared(wide, number, int(side), int(steps), place))
            print(*rows[-1].values(), flush=True)
            save("blind_levin", config, rows + earlier("blind_levin", config, rows, tuple(row)))


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
