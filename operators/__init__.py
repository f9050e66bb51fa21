"""Forward models for imaging: y = A(x) + noise. Imports torch only; usable by any solver."""

# ruff: noqa: F403, F405
from operators import (
    blurs,
    colour,
    core,
    interop,
    masks,
    medical,
    nonlinear,
    problem,
    resolution,
    sensing,
    solve,
    video,
)
from operators.blurs import *
from operators.blurs import kernels
from operators.colour import *
from operators.core import *
from operators.core import checks
from operators.masks import *
from operators.medical import *
from operators.medical import kspace
from operators.nonlinear import *
from operators.problem import *
from operators.resolution import *
from operators.sensing import *
from operators.video import *

__all__ = ["checks", "interop", "kernels", "kspace", "masks", "solve"]
__all__ += blurs.__all__
__all__ += colour.__all__
__all__ += core.__all__
__all__ += masks.__all__
__all__ += medical.__all__
__all__ += nonlinear.__all__
__all__ += problem.__all__
__all__ += resolution.__all__
__all__ += sensing.__all__
__all__ += video.__all__
