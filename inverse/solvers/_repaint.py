"""RePaint: inpainting by replacement and resampling."""

from inverse.denoise import MASK, Prior
from inverse.flows import Replace
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.transitions import DDIM


def repaint(
    prior: Prior, *, steps: int = 250, jump: int = 10, repeats: int = 10, eta: float = 1.0
) -> Process:
    """Replace the known pixels at every step, and harmonise by going up and down in time.

    `x_b <- mask (a_b y + s_b n) + (1 - mask) x_b` after each ancestral step; at the last noisy
    level and at every `jump`-th above it the state is diffused `jump` levels up again,
    `repeats - 1` times: 2410 network calls by default. Inpainting of noiseless data only.

    Reference: Lugmayr et al., 2022, arXiv:2201.09865, Alg. 1; jump 10, repeats 10, 250 steps.
    Departures: the continuous VP path, DDPM's posterior variance instead of a learned one; the
    known pixels are also put into the result (the released code replaces before each step only);
    estimates are not clipped to [-1, 1], which is left to the prior.
    """
    grid = vp_grid(steps, jump=jump, repeats=repeats)
    return Process(prior, DDIM(eta), grid, project=Replace(requires=frozenset({MASK})))
