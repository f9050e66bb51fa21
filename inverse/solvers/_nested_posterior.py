"""Ours: posterior samples by nested passes of exact data draws, selected by their evidence."""

from inverse.denoise import Prior
from inverse.levels import Grid, Passes
from inverse.samplers import Selection


def nested_posterior(
    prior: Prior,
    *,
    passes: int = 2,
    steps: int = 10,
    start: float = 40.0,
    restart: float = 0.3,
    end: float = 0.03,
    group: int = 1,
) -> Selection:
    """Whole descents, the first from noise, each later one from the last result noised anew.

    A descent takes `steps` network calls from level `start` (then `restart`) to `end`
    and ends with a draw of x0 given the data; at each level it splits into the prior and the
    data: `x0 ~ N(D(x), r^2 I) N(y; A x0, sigma_y^2 I)`, exactly, and `x_b ~ q(x_b | x, x0)`.
    Samples of one measurement can be drawn in groups, consecutive in the batch: within a group
    they are weighed by the evidence of their estimates and resampled (`Selection`), which puts
    the right share of them on each mode. The first pass, from a level `start` that dwarfs the
    data, settles the shares; later ones, from `restart`, where modes no longer mix, the detail.

    Linear operators; no backward pass, nothing to tune to the noise or the task.

    Reference: see `Selection`; Elata et al., 2023, arXiv:2305.19066 (nesting).
    """
    first = Grid(steps, start=start, end=end, spacing="log")
    later = Grid(steps, start=restart, end=end, spacing="log")
    return Selection(prior, Passes(first, later, passes), group)
