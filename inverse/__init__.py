"""Restoration with diffusion priors: an anytime nested sampler and its parts.

    from inverse.priors import bundled
    from inverse.solvers import nested
    from inverse.solving import solve

    result = solve(nested(bundled()), problem, Rng([0]))

with ``problem`` and `Rng` from `operators`; ``cite("nested")`` is the BibTeX of its papers.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inverse.solvers.citing import cite

__all__ = ["cite"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What the package gives, loaded when it is asked for."""
    if name == "cite":
        from inverse.solvers.citing import cite

        return cite
    raise AttributeError(f"module 'inverse' has no attribute {name!r}")
