"""Running a sampler: within a budget, metered, planned."""

from inverse.solving._ready import ready
from inverse.solving.metering import Budget, Meter, around_priors
from inverse.solving.planning import Planned, plan
from inverse.solving.running import Diverged, NothingReady, Result, Snapshot, solve

__all__ = [
    "Budget",
    "Diverged",
    "Meter",
    "NothingReady",
    "Planned",
    "Result",
    "Snapshot",
    "around_priors",
    "plan",
    "ready",
    "solve",
]
