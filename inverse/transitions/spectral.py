"""DDRM and DDNM+: a transition in singular coordinates, whose noise counts that of the data.

In each coordinate y is the image with noise of standard deviation `tau = sigma_y / s`.
"""

import torch
from torch import Tensor

from inverse.denoise import SPECTRAL, Move, Transition, spectrum


class Spectral(Transition[None]):
    """DDRM's and DDNM+'s rule, per singular coordinate.

    Per coordinate, with x0 and `noise` the denoiser's, `c = sqrt(1 - eta^2)`, at level b:

    - nothing measured: `x_b = a_b x0 + s_b (c noise + eta n)`;
    - `nsr_b < tau`: `x_b = a_b x0 + s_b (c (y - x0) / tau + eta n)`;
    - `nsr_b >= tau`: `x_b = a_b ((1 - eta_b) x0 + eta_b y) + sqrt(s_b^2 - (eta_b a_b tau)^2) m`

    with `m = n` (DDRM) or, with `carry`, `m = c noise + eta n` (DDNM+). Were x0 the truth and
    `noise` fresh, x_b would be `a_b x0 + s_b N(0, I)` whatever y: the noise in y is counted.
    All noise is drawn as an image, so complex coordinates and a thin V need no care.

    Reference: Kawar et al., 2022, arXiv:2201.11793, sec. 3.2; Wang et al., 2022, arXiv:2212.00490,
    eq. 17 and 51 (`carry`).

    Raises:
        ValueError: for eta or eta_b outside [0, 1].
        Unfit: for an operator without a singular value decomposition.
    """

    requires = frozenset({SPECTRAL})

    def __init__(self, eta: float = 0.85, eta_b: float = 1.0, carry: bool = False) -> None:
        if not (0 <= eta <= 1 and 0 <= eta_b <= 1):
            raise ValueError(f"Spectral: eta and eta_b must be in [0, 1], got {eta} and {eta_b}")
        self.eta, self.eta_b, self.carry = eta, eta_b, carry

    def step(self, move: Move, memory: None) -> tuple[Tensor, None]:
        data = spectrum(move.problem, "Spectral")
        operator, y, tau = data
        (x0, noise), b, kept = move.est, move.b, (1 - self.eta**2) ** 0.5
        fresh = move.rng.normal(x0.shape)
        free = b.alpha * x0 + b.sigma * (kept * noise + self.eta * fresh)
        rest, old, new = y - operator.vt(x0), operator.vt(noise), operator.vt(fresh)
        mixed = kept * old + self.eta * new
        lacking = data.lacking(b, self.eta_b) * (mixed if self.carry else new)
        # what the data change of `free`, where they are cleaner than b and where b is cleaner
        clear = self.eta_b * b.alpha * rest + lacking - b.sigma * mixed
        faint = kept * b.sigma * (rest / tau - old)
        change = torch.where(tau <= b.nsr, clear, torch.where(tau.isfinite(), faint, 0.0))
        return free + operator.v(change), memory
