"""Ours: a nested split sampler, viable after its first outer step and better after each."""

from inverse.denoise import Conditioned, Prior
from inverse.grids import Grid
from inverse.process import Nested, Process
from inverse.starts import WienerStart
from inverse.steps import Prox
from inverse.transitions import Renoise


def nested(
    prior: Prior,
    *,
    outer: int = 10,
    inner: int = 3,
    start: float = 0.5,
    end: float = 0.03,
    lam: float = 0.23,
    zeta: float = 1.0,
) -> Process:
    step = Conditioned(prior, Prox(lam))
    chain = Process(step, Renoise(zeta), Grid(inner, end=0.02, spacing="log"))
    grid = Grid(outer, start=start, end=end, spacing="log")
    return Process(Nested(chain), Renoise(1.0), grid, start=WienerStart())
