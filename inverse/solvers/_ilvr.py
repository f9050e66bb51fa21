"""ILVR: iterative latent variable refinement."""

from inverse.denoise import Prior
from inverse.flows import Replace
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.transitions import DDIM


def ilvr(
    prior: Prior,
    *,
    steps: int = 250,
    factor: int = 4,
    until: float | None = 0.0,
    eta: float = 1.0,
) -> Process:
    """After each ancestral step, the low frequencies of the state become those of a reference.

    `x_b <- x_b + P (a_b A^+ y + s_b n - x_b)`, P a bicubic reduction to 1 / `factor` of the
    size and back, the image mirrored at its borders; only while the noise-to-signal ratio is above
    `until`: as released at every step but the last, with None there too. The reference is
    A^+ y: meant for noiseless measurements that keep what P keeps (super-resolution, mild blur). P
    is no projection (it lowers high frequencies twice as much when applied twice), so the data are
    met approximately.

    Reference: Choi et al., 2021, arXiv:2108.02938, Alg. 1.
    Departures: the continuous VP path; the reference is noised to the level the state is at, as in
    the paper (the released code noises it to the one before); estimates are not clipped to [-1, 1],
    which is left to the prior.
    """
    grid = vp_grid(steps)
    return Process(prior, DDIM(eta), grid, project=Replace(factor, until))
