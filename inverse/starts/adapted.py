"""Restorers of other libraries, and those of a file."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from inverse.denoise import linear_operator, noise_level, wiener
from inverse.priors import load_function
from operators import Problem, interop

Restorer = Callable[[Problem], Tensor]
"""Anything that makes an image of a measurement."""


def load_restorer(place: str | None) -> Restorer:
    """The restorer `FILE.py:function`, whose file is run; `wiener` where none is named.

    Raises:
        FileNotFoundError, ValueError: as `load_function`.
    """
    return wiener if place is None else load_function(place, "restorer")


def as_restorer(model: Callable[..., Any], limits: Sequence[float] = (0.0, 1.0)) -> Restorer:
    """A model of another library as a restorer: of torch, torchvision, spandrel, deepinv.

    It gets y as it would be of images in its own range: `x' = h (x + 1) + low` with
    `h = (high - low) / 2`, so `y' = h y + (low + h) A 1` and the noise's level is `h sigma_y`. It
    is called as it says itself, `model(y')`, or, where these are among its arguments' names, with
    `sigma=` (denoisers of deepinv) or `physics=` (reconstructors of deepinv).

    Args:
        limits: low and high, the values of black and white in its images.

    Raises:
        Unfit: at the call, for an operator that is not linear.
    """
    low, high = limits
    half = (high - low) / 2
    taken = inspect.signature(model.forward if isinstance(model, nn.Module) else model).parameters

    def restorer(problem: Problem) -> Tensor:
        operator, sigma = linear_operator(problem, "as_restorer"), half * noise_level(problem)
        white = operator(operator.anchor.new_ones(1, *operator.in_shape))
        told: dict[str, Any] = {"sigma": sigma} if "sigma" in taken else {}
        if "physics" in taken:
            told["physics"] = _physics(operator, sigma)
        x = model(half * problem.y + (low + half) * white, **told)
        return (x - low) / half - 1

    return restorer


def _physics(operator: Any, sigma: float | Tensor) -> Any:
    from deepinv.physics import GaussianNoise  # pyright: ignore[reportMissingImports]

    physics = interop.as_deepinv(operator)
    physics.set_noise_model(GaussianNoise(sigma))
    return physics
