"""Priors: denoisers that know images but no measurement."""

from inverse.priors.aligned import Aligned
from inverse.priors.analytic import GaussianPrior, Mixture, MixturePosterior
from inverse.priors.channels import Channels
from inverse.priors.cheaper.reused import Reused
from inverse.priors.cheaper.switches import faster
from inverse.priors.classes import Classes
from inverse.priors.edm import EDMPrior
from inverse.priors.frames import Frames, frames_encoded
from inverse.priors.guidance import Between, ClassifierFree, ClassifierScore
from inverse.priors.lowrank import LowRankMixture
from inverse.priors.modules import load_function, load_module
from inverse.priors.networked import NetworkPrior, held
from inverse.priors.parametrisation import EDM, Scheduled, Velocity
from inverse.priors.pixel import DiffusersPrior, PreconditionedPrior
from inverse.priors.presets import BUNDLED
from inverse.priors.stored import load_prior, save_prior, widened
from inverse.priors.tiled import Tiled


def bundled(precision: str = "float32") -> EDMPrior:
    """The prior that ships with the package (see `inverse/assets/MODEL_CARD.md`)."""
    prior = load_prior(BUNDLED, precision)
    held(prior.network, precision)
    return prior


__all__ = [
    "BUNDLED",
    "Between",
    "Channels",
    "Classes",
    "ClassifierFree",
    "ClassifierScore",
    "DiffusersPrior",
    "EDM",
    "EDMPrior",
    "Frames",
    "GaussianPrior",
    "LowRankMixture",
    "Mixture",
    "MixturePosterior",
    "NetworkPrior",
    "PreconditionedPrior",
    "Reused",
    "Scheduled",
    "Tiled",
    "Aligned",
    "Velocity",
    "bundled",
    "faster",
    "frames_encoded",
    "load_function",
    "load_module",
    "load_prior",
    "save_prior",
    "widened",
]
