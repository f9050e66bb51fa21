"""Restoration with diffusion priors: an anytime nested sampler and its parts."""
