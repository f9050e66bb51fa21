"""Cycle: encode a crude restoration with the prior, decode it with prior and data."""

from inverse.denoise import Conditioned, Prior
from inverse.levels import Grid
from inverse.samplers import Process
from inverse.starts import Encoded
from inverse.steps import Prox
from inverse.transitions import DDIM


def cycle(
    prior: Prior,
    *,
    steps: int = 10,
    encode: int = 7,
    start: float = 0.5,
    end: float = 0.03,
    lam: float = 0.23,
) -> Process:
    """Carry the Wiener restoration up the prior's probability flow, come down with the data.

    Up, from nsr ``end`` to ``start`` in ``encode`` network calls: ``x += (nsr' - nsr) noise(x)``.
    Down in ``steps`` calls, the same with the denoiser ``prox(x0(x))``, prior variance
    ``nsr^2 / lam``. No noise is drawn: one answer per measurement, near the crude one in all that
    the data do not settle, its faults included. Linear operators; no backward pass.

    Reference: Su et al., 2022, arXiv:2203.08382, Alg. 1 (two models there: here the prior and the
    posterior); Wu and De la Torre, 2022, arXiv:2210.05559 (CycleDiffusion).
    Departures: CycleDiffusion encodes by a stochastic chain and keeps its noise; this is the
    deterministic kind.
    """
    up = Grid(encode + 1, end=end, spacing="log")
    return Process(
        Conditioned(prior, Prox(lam)),
        DDIM(0.0),
        Grid(steps, start=start, end=end, spacing="log"),
        start=Encoded(prior, DDIM(0.0), up),
    )
