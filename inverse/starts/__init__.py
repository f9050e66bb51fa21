"""Where a sampler starts: pure noise, or a crude restoration."""

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
    "Grey",
    "PinvStart",
    "PureNoise",
    "SpectralStart",
    "Start",
    "WienerStart",
    "wiener",
]
