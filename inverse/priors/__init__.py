"""Priors: denoisers that know images but no measurement."""

from inverse.priors.analytic import GaussianPrior, Mixture, MixturePosterior
from inverse.priors.cheaper.reused import Reused
from inverse.priors.cheaper.switches import faster
from inverse.priors.edm import EDMPrior, held, load_prior, save_prior
from inverse.priors.guidance import Between, ClassifierFree, ClassifierScore
from inverse.priors.pixel import DiffusersPrior
from inverse.priors.preconditioned import PreconditionedPrior
from inverse.priors.presets import BUNDLED
from inverse.priors.tiled import Tiled


def bundled(precision: str = "float32") -> EDMPrior:
    """The prior that ships with the package (see ``inverse/assets/MODEL_CARD.md``)."""
    prior = load_prior(BUNDLED, precision)
    held(prior.network, precision)
    return prior


__all__ = [
    "BUNDLED",
    "Between",
    "ClassifierFree",
    "ClassifierScore",
    "DiffusersPrior",
    "EDMPrior",
    "GaussianPrior",
    "Mixture",
    "MixturePosterior",
    "PreconditionedPrior",
    "Reused",
    "Tiled",
    "bundled",
    "faster",
    "load_prior",
    "save_prior",
]
