"""When noise or blur are not known: found on the way, by their evidence."""

from inverse.samplers.blind.blind import Blind, priors_in
from inverse.samplers.blind.coordinates import EVEN
from inverse.samplers.blind.evidence import Range
from inverse.samplers.blind.families import Family, blur_family
from inverse.samplers.blind.freeform import BlurKernel
from inverse.samplers.blind.kernels import BlurParameters
from inverse.samplers.blind.photons import PIXELS, PhotonNoise
from inverse.samplers.blind.refits import NoiseLevel, Refit

__all__ = [
    "EVEN",
    "PIXELS",
    "Blind",
    "BlurKernel",
    "BlurParameters",
    "Family",
    "NoiseLevel",
    "PhotonNoise",
    "Range",
    "Refit",
    "blur_family",
    "priors_in",
]
