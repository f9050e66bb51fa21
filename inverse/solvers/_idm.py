"""IDM: a walk of few steps, to be tuned end to end."""

from collections.abc import Sequence

from inverse.denoise import Conditioned, Prior
from inverse.levels import CLEAN, Level
from inverse.samplers import Process
from inverse.starts import WienerStart
from inverse.steps import Prox
from inverse.transitions import DDIM


class Levels:
    """A walk down the very levels that are given, then CLEAN.

    `levels(start)` is the walk down those of `nsrs` that are below `start`, from there.

    Raises:
        ValueError: for none, or unless they fall and are positive.
    """

    def __init__(self, nsrs: Sequence[float]) -> None:
        nsrs = [float(nsr) for nsr in nsrs]
        if not nsrs or sorted(set(nsrs), reverse=True) != nsrs or nsrs[-1] <= 0:
            raise ValueError(
                f"Levels: need noise-to-signal ratios that fall to above 0, got {nsrs}"
            )
        self.nsrs = nsrs

    def __call__(self, start: Level | None = None) -> tuple[Level, ...]:
        below = [Level(1.0, nsr) for nsr in self.nsrs if start is None or nsr < start.nsr]
        return (*([] if start is None else [start]), *below, CLEAN)


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
