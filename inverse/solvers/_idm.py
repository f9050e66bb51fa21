"""IDM: a walk of few steps, to be tuned end to end."""

from collections.abc import Sequence

from inverse.denoise import Conditioned, Prior
from inverse.levels import Levels
from inverse.samplers import Process
from inverse.starts import WienerStart
from inverse.steps import Prox
from inverse.transitions import DDIM


def idm(prior: Prior, *, levels: Sequence[float] = (2.65, 1.73, 1.0), lam: float = 1.0) -> Process:
    """Deterministic DDNM of as many network calls as there are levels, from a Wiener restoration.

    `x0' = argmin ||y - A x||^2 + lam sigma_y^2 / nsr^2 ||x - x0||^2`, `x_b = x0' + nsr_b noise`
    with the noise of the unmoved estimate; no noise is drawn, so each y has one restoration. Its
    levels are too few for a prior as it comes: they are for one that was tuned through this very
    walk (`inverse tune method=unrolled`), for this operator.

    Reference: Chen et al., 2024, arXiv:2403.17006. Departures: a proximal step that knows the noise
    in place of the projection; the walk begins at the Wiener restoration, not at `a A^T y`; levels
    of variance exploding states, with the nsr of the released ones.
    """
    denoiser = Conditioned(prior, Prox(lam), keep_noise=True)
    return Process(denoiser, DDIM(0.0), Levels(levels), start=WienerStart(0.0))
