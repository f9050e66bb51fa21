"""Numbers that a model is given: one for all samples, or one per sample."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Values = float | Sequence[float] | Tensor


def parameter(
    owner: str,
    name: str,
    value: Values,
    *,
    low: float = 0.0,
    high: float = math.inf,
    low_allowed: bool = True,
    pixels: bool = False,
) -> float | Tensor:
    """`value` as a finite float, or as a tensor of one per sample, (B,), within [low, high].

    `low` itself is out unless `low_allowed`. With `pixels` a tensor of more axes, the first one
    over samples (1 or B), is allowed too. Tensors are copied.

    Raises:
        ValueError: naming the owner, for a value that is none of these.
    """
    if isinstance(value, str):
        raise ValueError(f"{owner}: {name} must be a number, or one per sample, got {value!r}")
    number = not hasattr(value, "__len__") or (isinstance(value, Tensor) and value.ndim == 0)
    given = float(value) if number else _tensor(value)  # pyright: ignore[reportArgumentType]
    if isinstance(given, Tensor) and given.ndim != 1 and not (pixels and given.ndim > 1):
        several = "(B,), or (1 or B, ...) per pixel" if pixels else "(B,)"
        raise ValueError(f"{owner}: {name} must be {several}, got {tuple(given.shape)}")
    seen = torch.as_tensor(given, dtype=torch.float64)
    inside = (seen >= low if low_allowed else seen > low) & (seen <= high) & seen.isfinite()
    if not bool(inside.all()):
        bound = f"{low:g} or more" if low_allowed else f"above {low:g}"
        bound += f" and at most {high:g}" if high < math.inf else ""
        found = given if number or seen.numel() < 10 else "others"
        raise ValueError(f"{owner}: {name} must be finite and {bound}, got {found}")
    return given


def _tensor(value: Sequence[float] | Tensor) -> Tensor:
    given = value if isinstance(value, Tensor) else torch.tensor([float(v) for v in value])
    given = given.detach().clone()
    return given if given.is_floating_point() else given.float()
