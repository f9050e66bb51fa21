"""Operators that are not linear: PSNR of single runs at equal calls, and phase retrieval's rate.

INVERSE_DATA=... python -m benchmarks.nonlinear [solvers=daps,sitcom,...] [operators=hdr,...]
    [images=4] [side=64] [folder=mcmaster18] [name=nonlinear]

Every solver has about fifty calls of the bundled prior, forward and backward ones together
(`BUDGETED`); noise of standard deviation 0.05 on y. An image and its half turn have the same
Fourier amplitudes, so phase retrieval is scored by the better of the two; a run succeeds from
25 dB on.
"""

import os
import sys

import torch
from omegaconf import OmegaConf
from torch import Tensor

from benchmarks.baselines.tasks import SIGMA, crops
from benchmarks.quality import named, preset, problems
from benchmarks.record import earlier, save
from inverse.apps.configuration import build, read
from inverse.denoise import Prior
from inverse.metrics import psnr
from inverse.samplers import Sampler
from inverse.solving import solve
from operators import Operator, Rng

ENOUGH = 25.0
OPERATORS = "phase_retrieval,hdr,jpeg,gamma,quantise"
BUDGETED: dict[str, dict] = {
    "daps": {"steps": 10},  # of 5 calls each
    "sitcom": {"steps": 5, "iterations": 5},  # 5 calls and 4 backward
    "dps": {"steps": 25, "zeta": 12.0},  # zeta times steps as it was released
    "reddiff": {"steps": 50},
    "fast_dips": {"steps": 50},
    "nested_nonlinear": {},  # 28 calls as it comes
    "nested_phase": {  # from noise, 47 calls
        "preset": "nested_nonlinear",
        "outer_steps": 16,
        "inner_most": 4,
        "outer_start": 10.0,
        "inner_most_from": 0.5,
        "start_temperature": 1.0,
    },
}


def budgeted(solver: str, prior: Prior) -> Sampler:
    """A preset with the constants that give it about fifty calls."""
    constants = dict(BUDGETED[solver])
    config = preset(constants.pop("preset", solver))
    config.update(OmegaConf.create(constants))
    return build(config)(prior)


def scored(operator: str, x: Tensor, truth: Tensor) -> Tensor:
    """PSNR of each image, (B,); of the better half turn where the measurement cannot tell."""
    found = psnr(x, truth)
    if operator != "phase_retrieval":
        return found
    return torch.maximum(found, psnr(x.flip((-2, -1)), truth))


def measured(operator: str, sampler: Sampler, truth: Tensor) -> dict:
    """The PSNR of every image, their mean, how many have enough, and what it cost."""

    def make(shape: tuple[int, ...], seed: int) -> Operator:
        return build(read("operator", operator), shape)

    each, seconds, nfe, backward = [], 0.0, 0, 0
    for images, problem, seeds in problems(operator, truth, make):
        result = solve(sampler, problem, Rng(seeds))
        each += scored(operator, result.x0, images).tolist()
        seconds, nfe, backward = seconds + result.seconds, result.nfe, result.backward
    row = {"psnr": sum(each) / len(each), "each": each, "nfe": nfe, "backward": backward}
    rate = sum(value >= ENOUGH for value in each) / len(each)
    return row | {"enough": rate, "seconds": seconds / len(each)}


def main(
    solvers: str = ",".join(BUDGETED),
    operators: str = OPERATORS,
    images: str = "4",
    side: str = "64",
    folder: str = "mcmaster18",
    name: str = "nonlinear",
) -> None:
    """Measure, print, and write after every solver."""
    truth, prior, rows = crops(int(images), int(side), folder), named("bundled"), []
    about = {"images": len(truth), "side": int(side), "folder": folder, "sigma": SIGMA}
    for operator in operators.split(","):
        for solver in solvers.split(","):
            row = measured(operator, budgeted(solver, prior), truth)
            rows.append({"operator": operator, "solver": solver, **BUDGETED[solver]} | row)
            cost = f"{row['nfe']}+{row['backward']} calls {row['seconds']:.1f} s"
            figures = f"{row['psnr']:.2f} dB {row['enough']:.0%} {cost}"
            print(f"{operator:16}{solver:18}{figures}", flush=True)
            save(name, about, earlier(name, about, rows, ("operator", "solver")) + rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
