"""The same prior around another network."""

import copy
from typing import TypeVar

from torch import nn

from inverse.priors.edm import EDMPrior
from inverse.priors.pixel import DiffusersPrior
from inverse.priors.preconditioned import PreconditionedPrior

NetworkPrior = EDMPrior | DiffusersPrior | PreconditionedPrior
"""The priors whose network, of diffusers, is all that costs."""
P = TypeVar("P", bound=NetworkPrior)


def with_network(prior: P, network: nn.Module) -> P:
    """A copy of the prior around ``network``; all else is shared, and the prior stays as it is."""
    other = copy.copy(prior)
    vars(other)["_modules"] = {**vars(prior)["_modules"], "network": network}
    return other
