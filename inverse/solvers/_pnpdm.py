"""PnP-DM: plug-and-play diffusion models, a split Gibbs sampler."""

from torch import Tensor

from inverse.denoise import DataFlow, DataStep, Evaluation, Prior
from inverse.levels import DATA_FIRST, Grid, Ladder, Level
from inverse.samplers import Averaged, Nested, Process, Sampler
from inverse.starts import Grey
from inverse.steps import Sample
from inverse.transitions import Anneal, DPMSolver2M


class Stepped(DataFlow):
    """A data step as a flow: the whole step, at the level of the state, no denoising.

    `x <- alpha step(x / alpha)`.

    For chains whose states are images themselves, as those of a Gibbs sampler.

    Raises:
        ValueError: in a splitting that divides the data's part; a step has no half.
    """

    def __init__(self, step: DataStep) -> None:
        self.step, self.requires = step, step.requires

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        if fraction != 1:
            raise ValueError("Stepped: a data step cannot be divided; give the data one stage")
        x = ev.x / ev.level.alpha
        return self.step(x, ev.level, ev.problem, ev.rng) - x


def pnpdm(
    prior: Prior,
    *,
    steps: int = 100,
    rho: float = 10.0,
    decay: float = 0.9,
    floor: float = 0.3,
    inner: int = 30,
    burn_in: int | None = None,
) -> Sampler:
    """Draw in turn from the likelihood and from the prior, coupled at a distance rho.

    `z ~ exp(-||y - A z||^2 / (2 sigma_y^2) - ||z - x||^2 / (2 rho^2))`, an exact Gaussian draw,
    then `x ~ p(x0) exp(-||z - x0||^2 / (2 rho^2))`: the reverse diffusion of `inner` network
    calls begun at z as a state of noise level rho. `rho_k = max(rho decay^k, floor)`, k < steps.
    At constant rho the law of x tends to the posterior under `y = A (x + rho e) + sigma_y n`.
    Every x is a sample; with `burn_in` the result is their mean after so many steps (released:
    40). Linear operators; no backward pass.

    Reference: Wu et al., 2024, arXiv:2405.18782 (PnP-DM). Released settings, in [-1, 1] units:
    rho 10, decay 0.9, floor 0.3 (0.1 for phase retrieval and coded diffraction), 100 steps.
    Departures: the reverse diffusion is of second order, SDE-DPM-Solver++(2M) over `inner` levels
    from rho to 0.01 (the released code: Euler-Maruyama over those of 100 levels below rho, which
    are 9, 18, 24 or 32 below 0.3, by its vp, iddpm, edm or ve levels); of a Gaussian prior 30 calls
    give the standard deviation of the exact draw to 2 % and its mean. All samples after the burn-in
    are averaged, not 20 of them.
    """
    draw = Nested(Process(prior, DPMSolver2M(1.0), Grid(inner, end=0.01)))
    ladder = Ladder(steps, start=rho, decay=decay, end=floor)
    chain = Process(draw, Anneal(0.0), ladder, Stepped(Sample()), DATA_FIRST, Grey())
    return chain if burn_in is None else Averaged(chain, burn_in)
