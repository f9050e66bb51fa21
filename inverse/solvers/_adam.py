"""Adam as a function: its state is a value that a sampler can hand out and resume from."""

from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """What Adam remembers after `count` gradients: their running mean and mean square."""

    count: int
    first: Tensor
    second: Tensor


def adam(
    gradient: Tensor,
    past: Moments | None,
    rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Tensor, Moments]:
    """The step to add to the parameters, and the new moments (`past = None` at the first).

    Every element is on its own, so samples of a batch do not mix.

    Reference: Kingma and Ba, 2015, arXiv:1412.6980, Alg. 1.
    """
    if past is None:
        past = Moments(0, torch.zeros_like(gradient), torch.zeros_like(gradient))
    count = past.count + 1
    first = past.first.lerp(gradient, 1 - betas[0])
    second = past.second.lerp(gradient.square(), 1 - betas[1])
    size = (second / (1 - betas[1] ** count)).sqrt_().add_(eps)
    return first / size * (-rate / (1 - betas[0] ** count)), Moments(count, first, second)
