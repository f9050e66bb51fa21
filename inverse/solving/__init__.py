"""Running a sampler: within a budget, metered, planned; as another library's model."""

from typing import Any

from inverse.samplers import Sampler
from inverse.solving._ready import ready
from inverse.solving._windows import in_windows, windows
from inverse.solving.metering import Budget, Meter, around_priors
from inverse.solving.planning import Planned, plan
from inverse.solving.running import Diverged, NothingReady, Result, Snapshot, solve


def as_reconstructor(
    sampler: Sampler, *, sigma: float | None = None, seed: int = 0, budget: Budget | None = None
) -> Any:
    """A `deepinv.models.Reconstructor`, `x_hat = model(y, physics)`, of a sampler of ours.

    For linear physics on images in [0, 1], as deepinv has them: the sampler gets `2 y - A 1` with
    twice the noise, for images in [-1, 1]. Physics of `operators.interop.as_deepinv` keep our
    closed forms; theirs are solved by conjugate gradients. Sample b draws from seed + b, and
    forwards in a row give the same.

    Args:
        sigma: the noise's standard deviation, of [0, 1]; None: the physics' own Gaussian noise.
        budget: of each forward; None: the sampler runs to its end.

    Raises:
        ImportError: without deepinv. A forward raises ValueError where the noise is not known, and
        TypeError for physics that are not linear.
    """
    try:
        from inverse.solving.deepinv import SamplerReconstructor
    except ModuleNotFoundError as error:
        raise ImportError(
            f"as_reconstructor: needs deepinv ({error}); pip install 'anytime-inverse[interop]'"
        ) from error
    return SamplerReconstructor(sampler, sigma, seed, budget)


__all__ = [
    "Budget",
    "Diverged",
    "Meter",
    "NothingReady",
    "Planned",
    "Result",
    "Snapshot",
    "around_priors",
    "as_reconstructor",
    "in_windows",
    "plan",
    "ready",
    "solve",
    "windows",
]
