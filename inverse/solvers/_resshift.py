"""ResShift: a few steps of a network that is told a crude restoration."""

from inverse.denoise import Denoiser
from inverse.levels import Grid, Shift
from inverse.samplers import Process
from inverse.starts import WienerStart
from inverse.transitions import Brownian


def resshift(
    prior: Denoiser,
    *,
    steps: int = 4,
    k: float = 1.0,
    power: float = 0.3,
    eta: float = 1.0,
) -> Process:
    """Walk from a crude restoration y0 to the image, shifting their difference away.

    `x = (1 - e) x0 + k sqrt(e) n` with the state less its known shift `e y0`, begun at
    `(1 - e) y0 + k sqrt(e) n` for `sqrt(e) = 0.99`; then
    `x_b = (1 - e_b) x0 + k sqrt(e_b) (sqrt(1 - w) noise + sqrt(w) n)`,
    `w = eta^2 (1 - e_b / e_a)`. x0 is the estimate of a network that is told y0 (`Informed`), the
    Wiener restoration; no other data step. So few steps are nearly a point estimate.

    For a network trained at these levels and of this measurement: `inverse train
    network.informed=[wiener] network.paired=true operators=[...] recipe=residual`. Any other prior
    sees the data at the start alone.

    Reference: Yue et al., 2023, arXiv:2307.12348. Departures: on pixels, whose standard
    deviation is half that of its latents (k = 1 there for their 2); y0 is the Wiener restoration
    in place of bicubic enlargement; the network is told y0 beside the state less its shift.
    """
    path = Shift(k, power)
    grid = Grid(steps, path, start=path(1.0).nsr, end=path(0.0).nsr, spacing="time")
    return Process(prior, Brownian(eta), grid, start=WienerStart(1.0))
