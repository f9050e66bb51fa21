"""The solvers with the settings of the protocols: one line each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from inverse import solvers
from inverse.denoise import FieldPrior, Prior
from inverse.levels import VP, Grid
from inverse.samplers import Sampler


@dataclass(frozen=True)
class Settings:
    """What a method is given: network calls, the first and last level, samples of one problem.

    ``family`` is the protocol's name up to its noise: what tuned constants depend on.
    """

    steps: int
    start: float
    end: float
    samples: int
    family: str

    def share(self, calls: int) -> "Settings":
        """For a method of so many network calls per step: as many calls in all."""
        return replace(self, steps=max(1, self.steps // calls))

    @property
    def levels(self) -> dict:
        return {"steps": self.steps, "start": self.start, "end": self.end}


DPS_ZETA = {"mcgdiff": 0.2, "tmpd": 0.05, "mgps": 1.0, "gaussian": 0.3}
"""As the papers ran DPS: MCGdiff's 0.1 is of the gradient of the squared norm over the norm."""

NO_IMAGES = {"tau": None, "rate": 0.1, "walk": None}
"""DAPS with the true noise, and steps that know no scale: its own are for pixels in [-1, 1]."""


Method = Callable[[Prior, Settings], Sampler]


def _nested(prior: Prior, s: Settings) -> Sampler:
    return solvers.nested(
        prior,
        outer_steps=max(1, s.steps // 5),
        inner_least=5,
        inner_most=5,
        outer_start=s.start,
        inner_most_from=s.end * 4,
        outer_end=s.end * 4,
        inner_end=s.end,
        lam=1.0,
        outer_temperature=1.0,
        inner_zeta=1.0,
        equivariant=False,  # these are no images
    )


def _ours(prior: Prior, s: Settings, group: int) -> Sampler:
    """Down to where a component of the mixture is a white Gaussian: its last step is exact."""
    finest = s.end if s.family == "gaussian" else 1.0
    levels = {"steps": s.steps, "start": s.start, "restart": 2 * finest, "end": finest}
    return solvers.nested_posterior(prior, passes=1, **levels, group=group)


def _uneven(prior: Prior, s: Settings, heun: bool) -> Sampler:
    """From the first estimate alone, and so from a level that dwarfs only what it leaves open."""
    assert isinstance(prior, FieldPrior)
    steps = s.steps // 2 + 1 if heun else s.steps
    return solvers.uneven(prior, steps=steps, start=0.4 * s.start, end=s.end, heun=heun)


def _down(make: Callable[..., Any], **constants: Any) -> Method:
    """A solver on the protocol's levels, even in the time of the variance preserving path."""

    def method(prior: Prior, s: Settings) -> Sampler:
        sampler = make(prior, **constants)
        sampler.grid = Grid(s.steps, VP(), start=s.start, end=s.end, spacing="time")
        return sampler

    return method


def _gibbs(prior: Prior, s: Settings) -> Sampler:
    """A third of the calls on the way down to the width of a component, the rest there."""
    inner = min(20, max(2, s.steps // 10))
    steps = max(1, s.steps // inner)
    decay = (1 / s.start) ** (3 / steps)
    return solvers.pnpdm(prior, steps=steps, rho=s.start, decay=decay, floor=1.0, inner=inner)


METHODS: dict[str, Method] = {
    "ddnm": lambda prior, s: solvers.ddnm(prior, **s.levels),
    "ddnm_plus": _down(solvers.ddnm_plus),
    "ddrm": _down(solvers.ddrm),
    "diffpir": lambda prior, s: solvers.diffpir(prior, **s.levels, lam=1.0, zeta=1.0),
    "dmps": _down(solvers.dmps, lam=1.0),
    "dps": lambda prior, s: solvers.dps(prior, **s.levels, zeta=DPS_ZETA[s.family]),
    "pigdm": lambda prior, s: solvers.pigdm(prior, **s.levels),
    "pigdm/score": lambda prior, s: solvers.pigdm(prior, **s.levels, integrate=True),
    "lgd": _down(solvers.lgd, zeta=0.3),
    "mmps": _down(solvers.mmps, iterations=4),
    "tmpd": _down(solvers.tmpd),
    "daps": lambda prior, s: _down(solvers.daps, **NO_IMAGES)(prior, s.share(5)),
    "mgps": lambda prior, s: _down(solvers.mgps, rate=0.3, burst=2)(prior, s.share(4)),
    "mgps/steps": _down(solvers.mgps, rate=0.3),
    "sitcom": lambda prior, s: _down(solvers.sitcom, iterations=5)(prior, s.share(5)),
    "ltsp": lambda prior, s: _down(solvers.ltsp)(prior, s.share(2)),
    "stsp": lambda prior, s: _down(solvers.stsp)(prior, s.share(3)),
    "pnpdm": _gibbs,
    "score_sde": _down(solvers.score_sde),
    "fps_smc": lambda prior, s: _down(solvers.fps_smc, particles=s.samples)(prior, s),
    "mcgdiff": lambda prior, s: _down(solvers.mcgdiff, particles=s.samples, kappa=1e-2)(prior, s),
    "tds": lambda prior, s: _down(solvers.tds, particles=s.samples)(prior, s),
    "nested": _nested,
    "nested_posterior/1": lambda prior, s: _ours(prior, s, 1),
    "nested_posterior/20": lambda prior, s: _ours(prior, s, 20),
    "nested_posterior": lambda prior, s: _ours(prior, s, s.samples),
    "uneven": lambda prior, s: _uneven(prior, s, True),
    "uneven/ddim": lambda prior, s: _uneven(prior, s, False),
}
"""Solver by name, over an instance's prior, at its network calls. The particle methods take all
samples of a problem for one cloud; of `nested_posterior` the number says how many samples select
among each other (all, if none is given)."""
