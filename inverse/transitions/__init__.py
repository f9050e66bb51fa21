"""The prior's flow: from one noise level to the next."""

from inverse.denoise import climb
from inverse.transitions.coherent import Coherent, carried
from inverse.transitions.ddim import DDIM, Anneal, Brownian, Renoise, Restart, Turned
from inverse.transitions.multistep import DPMSolver2M, Momentum, Multistep
from inverse.transitions.ode import Heun
from inverse.transitions.spectral import Spectral

__all__ = [
    "Anneal",
    "Brownian",
    "Coherent",
    "DDIM",
    "DPMSolver2M",
    "Heun",
    "Momentum",
    "Multistep",
    "Renoise",
    "Restart",
    "Spectral",
    "Turned",
    "carried",
    "climb",
]
