"""What a noise model is."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from operators.core.random import Rng


class Noise(ABC):
    """The law of y given the clean measurement A(x), independent from value to value.

    Amounts are in the units of y: for pictures the range [-1, 1], where a paper's 0.05 on [0, 1]
    is 0.10. Every tensor among the attributes holds a parameter: one per sample, (B,), or one per
    value of y, `(1 or B, *out_shape)`; `select`, `to`, `check` and `repr` follow from that.
    """

    @abstractmethod
    def sample(self, clean: Tensor, rng: Rng) -> Tensor:
        """A noisy copy of `clean` (B, ...), sample b drawn from stream b of `rng`."""

    @abstractmethod
    def nll(self, clean: Tensor, y: Tensor) -> Tensor:
        """The negative log-likelihood `-log p(y | clean)` per sample, (B,), up to a constant."""

    @property
    @abstractmethod
    def sigma(self) -> float | Tensor:
        """The standard deviation that Gaussian solvers use: a float, (B,), or per value.

        Of a law whose spread depends on the signal it is the one at mid-grey, clean = 0.
        """

    def std(self, clean: Tensor) -> float | Tensor:
        """The standard deviation of y given `clean`: `sigma`, or per value, (B, ...)."""
        return self.sigma

    def select(self, rows: slice | Tensor) -> Self:
        """The noise of some samples of the batch: self unless parameters are per sample."""
        return self._each(lambda v: v if v.ndim > 1 and v.shape[0] == 1 else v[rows])

    def to(self, like: Tensor | torch.device | str) -> Self:
        """The same noise with its tensors, if any, in another dtype or on another device."""
        return self._each(lambda v: v.to(like))

    def seen(self, dark: float) -> Self:
        """The same law of measurements whose value is `dark` where there is no light."""
        return self

    def check(self, y: Tensor) -> None:
        """Raise ValueError where the parameters do not fit measurements of the shape of y."""
        for key, value in vars(self).items():
            if not isinstance(value, Tensor):
                continue
            name = f"{type(self).__name__}: {{}} {key.lstrip('_')}s do not fit"
            if value.ndim == 1 and value.shape != y.shape[:1]:
                raise ValueError(f"{name.format(len(value))} a batch of {y.shape[0]}")
            if value.ndim > 1 and not _fits(value.shape, y.shape):
                name = name.format(tuple(value.shape))
                raise ValueError(f"{name} measurements of shape {tuple(y.shape)}")

    def __repr__(self) -> str:
        fields = {
            key.lstrip("_"): _short(value) if isinstance(value, Tensor) else value
            for key, value in vars(self).items()
        }
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in fields.items())})"

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        tensors = {key: value for key, value in vars(self).items() if isinstance(value, Tensor)}
        if not tensors:
            return self
        other = copy.copy(self)
        vars(other).update({key: change(value) for key, value in tensors.items()})
        return other


def _fits(shape: torch.Size, full: torch.Size) -> bool:
    """Whether a parameter per value, (1 or B, ...), broadcasts to measurements of shape `full`."""
    sizes = zip(shape, full, strict=False)
    return len(shape) == len(full) and all(own in (1, size) for own, size in sizes)


def _short(value: Tensor) -> object:
    return value.tolist() if value.ndim == 1 else f"<{'x'.join(map(str, value.shape))}>"
