"""Colours and layers: grey, spectral responses, compositing."""

from operators.colour.compositing import Multiplane, alpha_blend, multiplane
from operators.colour.response import Greyscale, SpectralResponse, greyscale, spectral_response

__all__ = [
    "Greyscale",
    "Multiplane",
    "SpectralResponse",
    "alpha_blend",
    "greyscale",
    "multiplane",
    "spectral_response",
]
