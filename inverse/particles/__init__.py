"""Particle methods: weighted states that are resampled; exact as their number grows."""

from inverse.particles.filtering import Filtering
from inverse.particles.pinning import Pinned
from inverse.particles.proposal import Forecast, Proposal
from inverse.particles.resampling import Resampling
from inverse.particles.sampler import Cloud, Particles
from inverse.particles.twisting import Twisted

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
