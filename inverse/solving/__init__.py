"""Running a sampler: within a budget, metered, planned; as other libraries' models."""

from typing import Any

from inverse.samplers import Sampler
from inverse.solving._ready import ready
from inverse.solving._windows import in_windows, windows
from inverse.solving.metering import Budget, Meter, around_priors
from inverse.solving.planning import Planned, plan
from inverse.solving.running import Diverged, NothingReady, Result, Snapshot, solve
from operators import Problem


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


def as_azula(
    sampler: Sampler,
    problem: Problem,
    *,
    seed: int = 0,
    budget: Budget | None = None,
    start: float = 1.0,
    schedule: Any = None,
) -> Any:
    """An `azula.sample.Sampler`, `x = it(it.init(shape))`, of a sampler of ours and a problem.

    The state it is given is where our walk begins: at the level of `start`, and on the solver's
    own levels from there. Images are in [-1, 1]. Sample b draws from seed + b.

    Args:
        schedule: azula's, which says what level a time is; None: its `VPSchedule`.

    Raises:
        ImportError: without azula. A call raises ValueError for a state of another shape.
    """
    try:
        from inverse.solving.azula import ProblemSampler
    except ModuleNotFoundError as error:
        raise ImportError(
            f"as_azula: needs azula ({error}); pip install 'anytime-inverse[peers]'"
        ) from error
    return ProblemSampler(sampler, problem, seed, budget, start, schedule)


__all__ = [
    "Budget",
    "Diverged",
    "Meter",
    "NothingReady",
    "Planned",
    "Result",
    "Snapshot",
    "around_priors",
    "as_azula",
    "as_reconstructor",
    "in_windows",
    "plan",
    "ready",
    "solve",
    "windows",
]
