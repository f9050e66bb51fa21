"""A restorer that makes no steps, to stand beside those that do."""

from inverse.denoise import LINEAR, NOTHING, Prior
from inverse.samplers import Once
from inverse.starts import load_restorer


def once(prior: Prior, *, restorer: str | None = None) -> Once:
    """Restore by a function of yours, or linearly: a baseline for a benchmark.

    `x0 = restorer(problem)`. The prior is not called.

    Args:
        restorer: `FILE.py:function`, which is run; None: `wiener`, the linear posterior mean under
            a natural image's spectrum.

    Reference: Field, 1987, Relations between the statistics of natural images and the response
    properties of cortical cells (that spectrum).
    """
    needs = frozenset({LINEAR}) if restorer is None else NOTHING
    return Once(load_restorer(restorer), needs)
