"""A sampler run to the end is a denoiser: the one loop, its nesting, and what wraps it."""

from inverse.samplers.averaging import Averaged
from inverse.samplers.blind import (
    EVEN,
    PIXELS,
    Blind,
    BlurKernel,
    BlurParameters,
    Family,
    NoiseLevel,
    PhotonNoise,
    Range,
    Refit,
    blur_family,
    priors_in,
)
from inverse.samplers.coarse import Coarse
from inverse.samplers.coded import Coded
from inverse.samplers.found import Found, Quantity, known
from inverse.samplers.iterate import Iterate, State
from inverse.samplers.latent import (
    Decoded,
    LatentNoise,
    LatentWiener,
    decoded,
    flow_grid,
    latent_grid,
)
from inverse.samplers.particles.resampling import choose, flat
from inverse.samplers.particles.sampler import draw
from inverse.samplers.process import Nested, Process
from inverse.samplers.restorers import Once, rms_error, warm_state
from inverse.samplers.reuse import Reusing, reusing
from inverse.samplers.sampler import Descent, Sampler
from inverse.samplers.selection import Selection
from inverse.samplers.waiting import Waiting

__all__ = [
    "Averaged",
    "Blind",
    "BlurKernel",
    "BlurParameters",
    "Coded",
    "Coarse",
    "Decoded",
    "Descent",
    "EVEN",
    "PIXELS",
    "Family",
    "Found",
    "Iterate",
    "LatentNoise",
    "LatentWiener",
    "Nested",
    "NoiseLevel",
    "PhotonNoise",
    "Once",
    "Process",
    "Quantity",
    "Range",
    "Refit",
    "Reusing",
    "Sampler",
    "Selection",
    "State",
    "Waiting",
    "blur_family",
    "choose",
    "decoded",
    "draw",
    "flat",
    "flow_grid",
    "known",
    "priors_in",
    "latent_grid",
    "reusing",
    "rms_error",
    "warm_state",
]
