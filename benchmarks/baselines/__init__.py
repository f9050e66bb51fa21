"""Baselines: functions problem -> x, (B, 3, H, W) in [-1, 1], with constants fixed beforehand.

The constants were chosen by `tune.py` for noise of 0.05, on Caltech-101 and Set5 images, not on
Kodak. PnP-HQS keeps DPIR's K = 24; its levels fall from 49/255 to the noise level, as published,
for blur and super-resolution, and from 25/255 to half of it for inpainting and sensing, where that
was better by 0.5 and 1.0 dB. λ is 0.12 and 0.06 there; DPIR's 0.23 was worse by 0.1 to 0.6 dB.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from operators import Problem

from .classical import bicubic, biharmonic, richardson_lucy, tv, wiener
from .ffdnet import FFDNet
from .pnp_hqs import pnp_hqs

Baseline = Callable[[Problem], Tensor]

CLASSICAL: dict[str, dict[str, Baseline]] = {
    "inpaint": {
        "biharmonic": biharmonic,
        "biharmonic_tv": partial(biharmonic, weight=0.04),
        "tv": partial(tv, weight=0.02),
    },
    "deblur": {
        "wiener": partial(wiener, balance=0.04),
        "richardson_lucy": partial(richardson_lucy, iterations=40),
        "tv": partial(tv, weight=0.005),
    },
    "superres": {"bicubic": bicubic, "tv": partial(tv, weight=0.01)},
    "sensing": {"tv": partial(tv, weight=0.02)},
}
STARTS: dict[str, Baseline] = {
    "inpaint": biharmonic,
    "deblur": lambda problem: problem.y,
    "superres": bicubic,
    "sensing": CLASSICAL["sensing"]["tv"],
}
PNP: dict[str, dict[str, float]] = {
    "inpaint": {"first": 2 * 25 / 255, "last": 0.5, "lam": 0.06},
    "deblur": {"lam": 0.12},
    "superres": {"lam": 0.12},
    "sensing": {"first": 2 * 25 / 255, "last": 0.5, "lam": 0.06},
}


def suite(task: str, ffdnet: FFDNet | None = None) -> dict[str, Baseline]:
    """The baselines of a task by name; with a network also "ffdnet_pnp".

    Raises: KeyError for a task not in `tasks.TASKS`.
    """
    methods = dict(CLASSICAL[task])
    if ffdnet is not None:
        start, constants = STARTS[task], PNP[task]
        methods["ffdnet_pnp"] = partial(pnp_hqs, denoise=ffdnet, start=start, **constants)
    return methods
