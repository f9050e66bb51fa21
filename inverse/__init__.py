"""Restoration with diffusion priors: an anytime nested sampler and its parts.

    import inverse, operators as op

    x = inverse.load_image("photo.jpg", size=256)[None]
    problem = op.measure(op.blur_gaussian(x.shape[1:]), op.gaussian(0.05), x, op.Rng([0]))
    result = inverse.solve(inverse.solvers.nested(inverse.priors.bundled()), problem, op.Rng([1]))

`inverse.cite("nested")` is the BibTeX of its papers. Everything is loaded when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inverse import priors, solvers
    from inverse.images import load_image, save_image
    from inverse.solvers.citing import cite
    from inverse.solving import Budget, Result, solve

    __version__: str

__all__ = [
    "Budget",
    "Result",
    "cite",
    "load_image",
    "priors",
    "save_image",
    "solve",
    "solvers",
]
_ROOMS = {
    "inverse.images": ("load_image", "save_image"),
    "inverse.solvers.citing": ("cite",),
    "inverse.solving": ("Budget", "Result", "solve"),
}


def __getattr__(name: str) -> Any:
    """What the package gives, loaded when it is asked for."""
    if name in ("priors", "solvers"):
        return import_module(f"inverse.{name}")
    if name == "__version__":
        return _version()
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(room), name)
    raise AttributeError(f"module 'inverse' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    """The version of the installed package; "unknown" for a checkout that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("anytime-inverse")
    except PackageNotFoundError:
        return "unknown"
