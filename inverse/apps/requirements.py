"""What a solver asks of the problem, told before any prior is loaded, which costs seconds."""

import torch
from omegaconf import DictConfig

from inverse.apps.configuration import build
from inverse.denoise import POINTWISE, Needs
from inverse.priors import GaussianPrior
from inverse.samplers import Sampler


def requirements(solver: DictConfig) -> Needs:
    """What the solver of a configuration asks for, as it says itself (`sketched`).

    Raises:
        ConfigurationError, ValueError: as `build` of the solver, for a wrong constant.
    """
    return sketched(solver).requires


def sketched(solver: DictConfig) -> Sampler:
    """The sampler of a configuration over a prior of one pixel.

    Where it asks for a prior that is told the noise of every value, a network is meant.
    """
    prior = GaussianPrior((1, 1, 1), torch.zeros(1), torch.eye(1))
    prior.coordinates = POINTWISE
    return build(solver)(prior)
