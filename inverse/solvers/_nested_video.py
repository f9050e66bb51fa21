"""Ours: the nested split sampler on clips."""

from torch import Tensor

from inverse.denoise import Conditioned, Equivariant, Prior
from inverse.priors import Frames
from inverse.samplers import Process
from inverse.solvers._nested import nest, walks
from inverse.starts import WienerStart
from inverse.steps import TemporalProx
from inverse.transitions import Anneal, Coherent, Turned


def nested_video(
    prior: Prior,
    *,
    rho: float = 1.0,
    mu: float = 1.0,
    motion: Tensor | None = None,
    outer_steps: int = 9,
    inner_least: int = 1,
    inner_most: int = 3,
    outer_start: float = 0.3,
    inner_most_from: float = 0.2,
    outer_end: float = 0.05,
    inner_end: float = 0.05,
    lam: float = 0.18,
    outer_temperature: float = 1.0,
    inner_zeta: float = 0.8,
    equivariant: bool = True,
) -> Process:
    """`nested` on clips (C, T, H, W): frames by the prior, one data step and one noise for all.

    On pictures it is `nested`.

    The prior of pictures sees each frame (`Frames`); noise is shared by the share `rho` and moves
    with the pictures (`Coherent`); the data step sees the whole clip and holds frames together
    along the motion by `mu` (`TemporalProx`). Network turns and flips are the clip's. Each
    outer step ends in a viable clip; T frames at once count as T calls. Linear operators.

    Args:
        motion: (T, 2, H, W), rows and columns that each pixel has moved by since the frame before;
            None: a still clip. `inverse.images.motion.estimated` finds it.

    References: Elata et al., 2023, arXiv:2305.19066 (nesting); Kwon and Ye, 2025,
    arXiv:2409.02574 (one data step for all frames, shared noise). The numbers are those of
    `nested`, for pictures.
    """
    network = Equivariant(Frames(prior)) if equivariant else Frames(prior)
    denoiser = Conditioned(network, TemporalProx(lam, mu, motion))
    inside, outside = walks(
        outer_steps, inner_least, inner_most, outer_start, inner_most_from, outer_end, inner_end
    )
    inner = Coherent(Turned(inner_zeta), rho, motion)
    outer = Coherent(Anneal(outer_temperature), rho, motion)
    return nest(denoiser, inside, inner, outside, outer, WienerStart())
