"""DDNM+: denoising diffusion null-space model for noisy data."""

from inverse.denoise import Prior
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.transitions import Restart, Spectral


def ddnm_plus(
    prior: Prior,
    *,
    steps: int = 100,
    eta: float = 0.85,
    carry: bool = False,
    jump: int = 1,
    repeats: int = 1,
) -> Process:
    """Project the estimate per singular value, and re-noise by what the data's noise leaves.

    `x0' = x0 + V Lam V^T A^+ (y - A x0)`, `x_b = a_b x0' + V (Gam_1 V^T noise + Gam_2 n)` with
    `c = sqrt(1 - eta^2)`, `tau = sigma_y / s` and, per singular value,

    - `s_b >= a_b tau`: `lam = 1`, `gam_1, gam_2 = (0, 1) sqrt(s_b^2 - (a_b tau)^2)`, or with
      `carry` `(c, eta)` times that root;
    - `s_b < a_b tau`: `lam = c s_b / (a_b tau)`, `gam_1, gam_2 = 0, eta s_b`;
    - `s = 0`: `gam_1, gam_2 = (c, eta) s_b`,

    so that the noise in x_b, the data's included, has variance s_b^2. This is DDRM's transition;
    with `carry` the noise estimate goes on where the data are cleaner than the state, and
    sigma_y = 0 is DDNM (to which the released code switches there); photographs come out sharper
    (benchmarks/README.md). Operators with a singular value decomposition; the paper's sigma_y is on
    [0, 1], half of what it is here.

    Reference: Wang et al., 2022, arXiv:2212.00490, sec. 3.3 (Alg. 2 with `jump, repeats`).
    Departures: continuous VP levels. For super-resolution, blurs and compressed sensing the
    released code scales the noise estimate without turning it by V^T first, then turns it by V: a
    slip, left out here. The released "simplified" variant is not this rule: it scales the noise
    twice. Time travel noises the last x0 afresh, as released (Alg. 2 diffuses the state).
    """
    grid = vp_grid(steps, jump=jump, repeats=repeats)
    return Process(prior, Restart(Spectral(eta, carry=carry)), grid)
