"""STSP: Strang splitting of guided sampling, as published and corrected."""

from inverse.denoise import Prior
from inverse.flows import PinvScore, ScoreFlow
from inverse.levels import vp_grid
from inverse.samplers import Process
from inverse.transitions import Heun, Multistep


def stsp(
    prior: Prior,
    *,
    steps: int = 20,
    order: int = 4,
    corrected: bool = False,
    released: bool = False,
    data_variance: float | None = 1.0,
) -> Process:
    """Half a step of the data's flow, a step of the prior's, the other half of the data's.

    As published the data's halves are Euler steps and the prior's is Adams-Bashforth of `order`
    1 to 4 (PLMS) on the noise estimates of earlier steps. Strang's splitting is of second order
    only if both sub-flows are, and from the same state: Euler's halves are not, and a history
    from before the data's jumps is not one of the prior's flow. The published form is therefore of
    first order; `corrected` takes one-step second-order rules instead, Heun for the prior and
    the midpoint rule for the data, and is of second order (`order` is then of no account).
    Network evaluations per step: three (two with a backward pass), corrected six (four with one).
    `p(y | x)` is PiGDM's; linear operators.

    Reference: Wizadwongsa and Suwajanakorn, 2023, arXiv:2301.11558 (STSP4: order 4).
    Departures: as in `ltsp`. The second half takes score and sigma at the level it has come to, and
    there is none at the step to clean. The released code takes the score there and sigma half way
    in nsr, many times as much at the last noisy level, and at the step to clean a half with the
    score of that level: `released` does so (of no account when `corrected`). A classifier's
    score bears it; that of data, the stiffer the less noise, is overshot. The corrected form walks
    EDM's levels: on levels even in time Heun's last steps are too long.
    """
    spacing = "edm" if corrected else "time"
    grid = vp_grid(steps, spacing=spacing)
    flow = ScoreFlow(PinvScore(data_variance), midpoint=corrected, early=released and not corrected)
    if corrected:
        return Process(prior, Heun(), grid, flow, "strang")
    return Process(prior, Multistep(order), grid, flow, "strang")
