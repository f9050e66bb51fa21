"""Where a sampler starts: pure noise, or a crude restoration."""

from inverse.starts.encoding import Encoded
from inverse.starts.start import (
    Grey,
    PinvStart,
    PureNoise,
    SpectralStart,
    Start,
    WienerStart,
    wiener,
)

__all__ = [
    "Encoded",
    "Grey",
    "PinvStart",
    "PureNoise",
    "SpectralStart",
    "Start",
    "WienerStart",
    "wiener",
]
