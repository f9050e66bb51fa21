"""The papers' checkpoints as diffusers folders, exactly or not at all."""

from inverse.priors.checkpoints.converting import convert
from inverse.priors.checkpoints.states import load_state

__all__ = ["convert", "load_state"]
