"""Priors: denoisers that know images but no measurement."""

from pathlib import Path

from inverse.priors.analytic import Gaussian, Mixture, MixturePosterior
from inverse.priors.edm import EDMPrior, load_prior, save_prior
from inverse.priors.pixel import DiffusersPrior

BUNDLED = Path(__file__).parent.parent / "assets" / "prior.safetensors"


def bundled(precision: str = "float32") -> EDMPrior:
    """The prior that ships with the package (see ``inverse/assets/MODEL_CARD.md``)."""
    return load_prior(BUNDLED, precision)


__all__ = [
    "BUNDLED",
    "DiffusersPrior",
    "EDMPrior",
    "Gaussian",
    "Mixture",
    "MixturePosterior",
    "bundled",
    "load_prior",
    "save_prior",
]
