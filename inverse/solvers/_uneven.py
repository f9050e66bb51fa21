"""Ours: the measurement is a state of uneven noise, and the prior walks on from there."""

from inverse.denoise import FieldPrior
from inverse.levels import Unbounded
from inverse.samplers import Waiting


def uneven(
    prior: FieldPrior,
    *,
    steps: int = 7,
    start: float = 5.0,
    end: float = 0.03,
    eta: float = 0.0,
    heun: bool = True,
) -> Waiting:
    """Walk from the measurement to an image, every coordinate from the noise that y has there.

    `nsr_i = min(L, tau_i)`, `tau_i = sigma_y / s_i`, as L falls from infinity over `start` to
    `end`, evenly in its logarithm (`Waiting`). The first estimate costs one call and is the prior's
    `E[x0 | y]` itself (`steps=1`: `uneven_mean`); a draw follows, without a data step, guidance or
    anything to tune to the task. Draws of exact priors are exact as steps grow, from a `start` that
    dwarfs what the first estimate leaves open. By Heun's rule `steps` steps take `2 steps - 2`
    network calls, else one each; `eta` is the stochasticity where nothing is measured.

    For a prior that is told the noise of every value (`network=stem`): operators that measure
    single values (masks, Bayer, denoising), with a noise of their own for every value and Poisson
    noise too. Exact priors (`GaussianPrior`, `Mixture`): any with a singular value decomposition.

    Reference: Kim et al., 2025, arXiv:2412.09191 (RAD, for pixels known or unknown); Kawar et al.,
    2022, arXiv:2201.11793, sec. 3.2 (the noise of y in singular coordinates).
    """
    grid = Unbounded(steps, start=start, end=end, spacing="log")
    return Waiting(prior, grid, eta, heun)
