"""Particle methods: weighted states that are resampled; exact as their number grows."""

from inverse.samplers.particles.proposal import Forecast, Proposal
from inverse.samplers.particles.resampling import Resampling
from inverse.samplers.particles.sampler import Cloud, Particles

__all__ = [
    "Cloud",
    "Forecast",
    "Particles",
    "Proposal",
    "Resampling",
]
