"""Score-SDE: conditional sampling by replacing the measured part of the state."""

from inverse.denoise import Prior
from inverse.flows import Replace
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.transitions import DDIM


def score_sde(prior: Prior, *, steps: int = 1000, eta: float = 1.0) -> Process:
    """An ancestral step, then the measured part of the state replaced by the noised data.

    `x_b <- x_b + A^+ (a_b y + s_b A n - A x_b)`. For noiseless data: noise in y goes straight
    into the image. The rest of the state never hears of the data but through the network: exact,
    as steps grow, where the prior makes measured and unmeasured coordinates independent.

    Reference: Song et al., 2021, arXiv:2011.13456, Appendix I.2.
    Departures: A^+ and image-space noise, so that any linear operator will do and not only those
    with orthonormal rows; ancestral steps on the continuous VP path without a corrector.
    """
    grid = vp_grid(steps)
    return Process(prior, DDIM(eta), grid, project=Replace())
