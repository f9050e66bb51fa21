"""Another prior around the same tensors: a copy that shares them."""

import copy
from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def sharing(module: M) -> M:
    """A module of its own with the same submodules, tensors and settings.

    Its tables (of submodules, of hooks) are its own: what is registered on the one is not on the
    other.
    """
    other = copy.copy(module)
    vars(other).update({k: copy.copy(v) for k, v in vars(module).items() if isinstance(v, dict)})
    return other


def with_network(prior: M, network: nn.Module) -> M:
    """A copy of the prior around `network`; all else is shared, and the prior stays as it is."""
    other = sharing(prior)
    other.network = network
    return other
