"""Every solver there is, small, and problems for it. Add yours to SOLVERS: that is all."""

import functools

import torch

from inverse import solvers
from inverse.priors import EDMPrior
from operators import (
    Problem,
    Rng,
    blur_gaussian,
    downsample,
    fourier,
    gamma,
    gaussian,
    greyscale,
    identity,
    inpaint_random,
    measure,
    walsh_hadamard,
)

SHAPE = (3, 16, 16)


@functools.cache
def tiny_prior() -> EDMPrior:
    torch.manual_seed(0)
    prior = EDMPrior({"channels": [16, 16], "layers": 1}).eval().requires_grad_(False)
    for p in prior.parameters():
        p.data += 0.05 * torch.randn(p.shape)  # away from the zero initialisation
    return prior


@functools.cache
def told_prior() -> EDMPrior:
    """As `tiny_prior`, but told the noise of every value."""
    torch.manual_seed(0)
    prior = EDMPrior({"kind": "stem", "channels": [16, 16], "layers": 1}).eval()
    for p in prior.requires_grad_(False).parameters():
        p.data += 0.05 * torch.randn(p.shape)
    return prior


def prior_for(solver: str) -> EDMPrior:
    """A small network that the solver takes."""
    return told_prior() if solver.startswith("uneven") else tiny_prior()


SOLVERS = {
    "cm4ir": functools.partial(solvers.cm4ir),
    "cycle": functools.partial(solvers.cycle, steps=4, encode=3),
    "daps": functools.partial(solvers.daps, steps=3, ode_steps=2, langevin=5),
    "daps-hmc": functools.partial(solvers.daps, steps=3, ode_steps=2, langevin=5, momentum=0.9),
    "ddnm": functools.partial(solvers.ddnm, steps=5),
    "ddnm-travel": functools.partial(solvers.ddnm, steps=6, jump=2, repeats=2),
    "ddnm_plus": functools.partial(solvers.ddnm_plus, steps=6, jump=2, repeats=2),
    "ddrm": functools.partial(solvers.ddrm, steps=5),
    "diffpir": functools.partial(solvers.diffpir, steps=5),
    "dmps": functools.partial(solvers.dmps, steps=5),
    "fast_dips": functools.partial(solvers.fast_dips, steps=4, gradients=2),
    "dps": functools.partial(solvers.dps, steps=5),
    "dps-low-rank": functools.partial(solvers.dps, steps=5, energy=0.99),
    "idm": functools.partial(solvers.idm),
    "ilvr": functools.partial(solvers.ilvr, steps=5),
    "mcg": functools.partial(solvers.mcg, steps=5),
    "once": functools.partial(solvers.once),
    "lgd": functools.partial(solvers.lgd, steps=5, draws=2),
    "mgps": functools.partial(solvers.mgps, steps=4, gradients=1, burst=2, period=3, closing=1),
    "mmps": functools.partial(solvers.mmps, steps=4, iterations=2),
    "mpgd": functools.partial(solvers.mpgd, steps=5),
    "pigdm": functools.partial(solvers.pigdm, steps=5),
    "pigdm-score": functools.partial(solvers.pigdm, steps=5, integrate=True),
    "reddiff": functools.partial(solvers.reddiff, steps=5),
    "sitcom": functools.partial(solvers.sitcom, steps=3, iterations=3),
    "tmpd": functools.partial(solvers.tmpd, steps=5),
    "nested": functools.partial(solvers.nested, outer_steps=3, inner_most=2),
    "nested-keeps-noise": functools.partial(
        solvers.nested, outer_steps=3, inner_most=2, inner_eta=1.0
    ),
    "nested-turns-noise": functools.partial(
        solvers.nested, outer_steps=3, inner_most=2, inner_zeta=0.1
    ),
    "nested-data-first": functools.partial(
        solvers.nested, outer_steps=3, inner_most=2, data_first=True
    ),
    "informed": functools.partial(solvers.informed, steps=4),
    "resshift": functools.partial(solvers.resshift),
    "rddm": functools.partial(solvers.rddm, eta=0.5),
    "nested-coarse": functools.partial(
        solvers.nested, outer_steps=3, inner_most=2, half_above=0.1, quarter_above=0.25
    ),
    "repaint": functools.partial(solvers.repaint, steps=6, jump=2, repeats=2),
    "score_sde": functools.partial(solvers.score_sde, steps=5),
    "pnpdm": functools.partial(solvers.pnpdm, steps=4, inner=2),
    "pnpdm-mean": functools.partial(solvers.pnpdm, steps=4, inner=2, burn_in=2),
    "ltsp": functools.partial(solvers.ltsp, steps=8, order=2),
    "stsp": functools.partial(solvers.stsp, steps=6),
    "stsp-corrected": functools.partial(solvers.stsp, steps=8, corrected=True),
    "momentum": functools.partial(solvers.momentum, steps=8),
    "guided_flow": functools.partial(solvers.guided_flow, steps=5),
    "guided_flow-stiff": functools.partial(solvers.guided_flow, steps=2, stiff=6),
    "fps_smc": functools.partial(solvers.fps_smc, steps=5, particles=3),
    "tds": functools.partial(solvers.tds, steps=5, particles=3),
    "mcgdiff": functools.partial(solvers.mcgdiff, steps=5, particles=3),
    "ldps": functools.partial(solvers.ldps, steps=5),
    "psld": functools.partial(solvers.psld, steps=5),
    "flowchef": functools.partial(solvers.flowchef, steps=5, scale=20.0),
    "flowdps": functools.partial(solvers.flowdps, steps=5, rate=0.3),
    "pnpflow": functools.partial(solvers.pnpflow, steps=4, draws=2),
    "flower": functools.partial(solvers.flower, steps=5),
    "flower-draws": functools.partial(solvers.flower, steps=5, draw=True),
    "latino": functools.partial(solvers.latino, steps=4),
    "lvtino": functools.partial(solvers.lvtino, steps=4),
    "resample": functools.partial(
        solvers.resample, steps=6, every=2, pixel_iterations=3, latent_iterations=2
    ),
    "nested-latent": functools.partial(solvers.nested_latent, outer_steps=3, inner_most=2),
    "nested-video": functools.partial(solvers.nested_video, outer_steps=3, inner_most=2),
    "nested-nonlinear": functools.partial(
        solvers.nested_nonlinear, outer_steps=3, inner_most=2, gradients=2
    ),
    "nested-posterior": functools.partial(solvers.nested_posterior, passes=2, steps=3),
    "uneven": functools.partial(solvers.uneven, steps=4),
    "uneven-ddim": functools.partial(solvers.uneven, steps=5, eta=0.7, heun=False),
}
OPERATORS = {
    "inpaint": inpaint_random(SHAPE, keep=0.4),
    "blur": blur_gaussian(SHAPE, size=5, std=1.0),
    "downsample": downsample(SHAPE, 4),
    "sensing": walsh_hadamard(SHAPE, 0.25),
    "fourier": fourier(SHAPE, 2),
    "greyscale": greyscale(SHAPE),
    "denoise": identity(SHAPE),
}
"""With a singular value decomposition each."""
OTHERS = {
    "iterated": inpaint_random(SHAPE, keep=0.4) @ blur_gaussian(SHAPE, size=3, std=0.4),
    "nonlinear": gamma(SHAPE),
}


def truths(count: int) -> torch.Tensor:
    return torch.rand((count, *SHAPE), generator=torch.Generator().manual_seed(3)) * 2 - 1


def problem(operator="inpaint", sigma=0.05, count=3) -> Problem:
    return measure(
        (OPERATORS | OTHERS)[operator], gaussian(sigma), truths(count), Rng(range(50, 50 + count))
    )
