"""Noise models: how y scatters about A x."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from operators.random import Rng
from operators.solve import column


class Noise(ABC):
    """The law of y given the clean measurement A x. Values are in the image's range [-1, 1]."""

    @abstractmethod
    def sample(self, clean: Tensor, rng: Rng) -> Tensor:
        """A noisy copy of `clean` (B, …), sample b drawn from stream b of `rng`."""

    @abstractmethod
    def nll(self, clean: Tensor, y: Tensor) -> Tensor:
        """−log p(y | clean) per sample, (B,), up to a constant free of `clean`."""

    @property
    @abstractmethod
    def sigma(self) -> float | Tensor:
        """σ_y, the standard deviation that Gaussian solvers use: a float, or (B,)."""

    def select(self, rows: slice) -> Self:
        """The noise of some samples of the batch: self unless parameters are per sample."""
        return self

    def to(self, like: Tensor | torch.device | str) -> Self:
        """The same noise with its tensors, if any, on another device."""
        return self


class Gaussian(Noise):
    """y = A x + σ n, n ~ N(0, I).

    sigma >= 0 in units of the [-1, 1] range (a paper's 0.05 on [0, 1] is 0.10 here): a float,
    or one per sample as a sequence or a tensor (B,).
    Raises ValueError for a sigma that is negative, NaN or inf, or of another rank.
    """

    def __init__(self, sigma: float | Sequence[float] | Tensor) -> None:
        if isinstance(sigma, str):
            raise ValueError(f"Gaussian: sigma must be a number, or one per sample, got {sigma!r}")
        if isinstance(sigma, (int, float)) or not hasattr(sigma, "__len__"):
            sigma = float(sigma)  # pyright: ignore[reportArgumentType]
            wrong = not (math.isfinite(sigma) and sigma >= 0)
        else:
            sigma = torch.as_tensor(
                sigma if isinstance(sigma, Tensor) else [float(value) for value in sigma]
            )
            sigma = sigma.detach().clone() if sigma.is_floating_point() else sigma.float()
            if sigma.ndim != 1:
                raise ValueError(f"Gaussian: sigma must be (B,), got {tuple(sigma.shape)}")
            wrong = not bool((torch.isfinite(sigma) & (sigma >= 0)).all())
        if wrong:
            raise ValueError(f"Gaussian: sigma must be finite and 0 or more, got {sigma}")
        self._sigma = sigma

    @property
    def sigma(self) -> float | Tensor:
        return self._sigma

    def sample(self, clean: Tensor, rng: Rng) -> Tensor:
        self._fits(clean)
        if isinstance(self._sigma, float) and self._sigma == 0:
            return clean.clone()
        return clean + column(self._sigma, clean) * rng.normal(clean.shape, clean.dtype)

    def nll(self, clean: Tensor, y: Tensor) -> Tensor:
        """‖y − clean‖² / 2σ² per sample, (B,). Raises ValueError for the float σ = 0."""
        self._fits(clean)
        if isinstance(self._sigma, float) and self._sigma == 0:
            raise ValueError("Gaussian: without noise (sigma = 0) there is no likelihood")
        return (y - clean).square().flatten(1).sum(1) / (2 * self._sigma**2)

    def select(self, rows: slice) -> Gaussian:
        return Gaussian(self._sigma[rows]) if isinstance(self._sigma, Tensor) else self

    def to(self, like: Tensor | torch.device | str) -> Gaussian:
        return Gaussian(self._sigma.to(like)) if isinstance(self._sigma, Tensor) else self

    def __repr__(self) -> str:
        sigma = self._sigma.tolist() if isinstance(self._sigma, Tensor) else self._sigma
        return f"Gaussian(sigma={sigma})"

    def _fits(self, clean: Tensor) -> None:
        if isinstance(self._sigma, Tensor) and self._sigma.shape != clean.shape[:1]:
            raise ValueError(
                f"Gaussian: {len(self._sigma)} sigmas do not fit a batch of {clean.shape[0]}"
            )


def gaussian(sigma: float | Sequence[float] | Tensor) -> Gaussian:
    """Gaussian noise of standard deviation sigma on the [-1, 1] range."""
    return Gaussian(sigma)
