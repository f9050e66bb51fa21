"""Particle methods: weighted states that are resampled; exact as their number grows."""

from inverse.samplers.particles.filtering import Filtering
from inverse.samplers.particles.pinning import Pinned
from inverse.samplers.particles.proposal import Forecast, Proposal
from inverse.samplers.particles.resampling import Resampling
from inverse.samplers.particles.sampler import Cloud, Particles
from inverse.samplers.particles.twisting import Twisted

__all__ = [
    "Cloud",
    "Filtering",
    "Forecast",
    "Particles",
    "Pinned",
    "Proposal",
    "Resampling",
    "Twisted",
]
