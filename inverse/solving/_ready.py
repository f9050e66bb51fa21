"""From a solver and a prior to what is run."""

from collections.abc import Callable

from inverse.denoise import Prior
from inverse.samplers import Sampler, decoded, reusing
from inverse.solving.metering import Budget
from inverse.solving.planning import plan


def ready(
    solver: Callable[[Prior], Sampler], prior: Prior, budget: Budget | None = None
) -> Sampler:
    """The solver over the prior with all that the two ask for around it.

    Latents are decoded (`decoded`), the steps planned for the budget where there is one (`plan`),
    and deep features kept from call to call where the prior reuses them (`reusing`).
    """
    return reusing(plan(decoded(solver(prior), prior), budget or Budget()))
