"""The solvers with the settings of the protocols: one line each."""

from collections.abc import Callable
from dataclasses import dataclass

from inverse import solvers
from inverse.denoise import Prior
from inverse.process import Sampler


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

    @property
    def levels(self) -> dict:
        return {"steps": self.steps, "start": self.start, "end": self.end}


DPS_ZETA = {"mcgdiff": 0.2, "tmpd": 0.05, "mgps": 1.0, "gaussian": 0.3}
"""As the papers ran DPS: MCGdiff's 0.1 is of the gradient of the squared norm over the norm."""


def _nested(prior: Prior, s: Settings) -> Sampler:
    return solvers.nested(
        prior,
        outer=max(1, s.steps // 5),
        inner=5,
        start=s.start,
        end=s.end * 4,
        finest=s.end,
        lam=1.0,
        outer_temperature=1.0,
        inner_temperature=1.0,
        equivariant=False,  # these are no images
    )


def _ours(prior: Prior, s: Settings, group: int) -> Sampler:
    """Down to where a component of the mixture is a white Gaussian: its last step is exact."""
    finest = s.end if s.family == "gaussian" else 1.0
    levels = {"inner": s.steps, "start": s.start, "again": 2 * finest, "finest": finest}
    return solvers.nested_posterior(prior, outer=1, **levels, group=group)


METHODS: dict[str, Callable[[Prior, Settings], Sampler]] = {
    "ddnm": lambda prior, s: solvers.ddnm(prior, **s.levels),
    "diffpir": lambda prior, s: solvers.diffpir(prior, **s.levels, lam=1.0, zeta=1.0),
    "dps": lambda prior, s: solvers.dps(prior, **s.levels, zeta=DPS_ZETA[s.family]),
    "pigdm": lambda prior, s: solvers.pigdm(prior, **s.levels),
    "nested": _nested,
    "nested_posterior/1": lambda prior, s: _ours(prior, s, 1),
    "nested_posterior/20": lambda prior, s: _ours(prior, s, 20),
    "nested_posterior": lambda prior, s: _ours(prior, s, s.samples),
}
"""Solver by name, over an instance's prior. Of `nested_posterior` the number says how many samples
of a problem select among each other (all, if none is given)."""
