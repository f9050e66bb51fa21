"""Noise levels and schedules: the path `x = alpha * x0 + sigma * noise`.

Everything here is plain Python floats (computed in float64), so a sampler never waits for the
device to learn where on the path it is.
"""

import math
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple


class Level(NamedTuple):
    """A point of the path `x = alpha * x0 + sigma * noise` with unit-variance noise."""

    alpha: float
    sigma: float

    @property
    def nsr(self) -> float:
        """Noise-to-signal ratio `sigma / alpha` (EDM's sigma); infinite at pure noise."""
        return self.sigma / self.alpha if self.alpha > 0 else math.inf


CLEAN = Level(1.0, 0.0)


class Schedule(ABC):
    """A monotone path of levels over a time `t`; `t = 0` is (nearly) clean."""

    @abstractmethod
    def __call__(self, t: float) -> Level:
        """The level at time `t`."""

    @abstractmethod
    def time(self, nsr: float) -> float:
        """The time at which the noise-to-signal ratio is `nsr` (inverse of `self(t).nsr`)."""

    def at(self, nsr: float) -> Level:
        """The level of this path with noise-to-signal ratio `nsr`."""
        return CLEAN if nsr == 0 else self(self.time(nsr))


class VE(Schedule):
    """Variance exploding: `alpha = 1`, `sigma = t`. Reference: Karras et al., 2022 (EDM)."""

    def __call__(self, t: float) -> Level:
        return Level(1.0, float(t))

    def time(self, nsr: float) -> float:
        return nsr


class VP(Schedule):
    """Variance preserving with linear beta: `-log alpha = t^2 (b1 - b0) / 4 + t b0 / 2`.

    Reference: Song et al., 2021, arXiv:2011.13456, eq. 33; `t` in [0, 1].
    """

    def __init__(self, beta_min: float = 0.1, beta_max: float = 20.0) -> None:
        self.beta_min, self.beta_max = beta_min, beta_max

    def __call__(self, t: float) -> Level:
        log_alpha = -0.25 * t * t * (self.beta_max - self.beta_min) - 0.5 * t * self.beta_min
        return Level(math.exp(log_alpha), math.sqrt(-math.expm1(2 * log_alpha)))

    def time(self, nsr: float) -> float:
        half, slope = 0.5 * math.log1p(nsr * nsr), self.beta_max - self.beta_min
        root = math.sqrt(self.beta_min**2 + 4 * slope * half)
        return 4 * half / (self.beta_min + root)


class Cosine(Schedule):
    """The variance preserving path of a cosine.

    `alpha = cos(pi t / 2)`, `sigma = sin(pi t / 2)`; `t` in [0, 1].
    """

    def __call__(self, t: float) -> Level:
        return Level(max(math.cos(math.pi * t / 2), 0.0), math.sin(math.pi * t / 2))

    def time(self, nsr: float) -> float:
        return 2 / math.pi * math.atan(nsr)


class Flow(Schedule):
    """Rectified flow: `alpha = 1 - u`, `sigma = u`, `u = s t / (1 + (s - 1) t)`, s the shift.

    A shift multiplies noise-to-signal ratios by s. Reference: Liu et al., 2023, arXiv:2209.03003;
    Esser et al., 2024, arXiv:2403.03206, eq. 23.
    """

    def __init__(self, shift: float = 1.0) -> None:
        if shift <= 0:
            raise ValueError(f"Flow: shift must be positive, got {shift}")
        self.shift = shift

    def __call__(self, t: float) -> Level:
        u = self.shift * t / (1 + (self.shift - 1) * t)
        return Level(1.0 - u, float(u))

    def time(self, nsr: float) -> float:
        return 1.0 if math.isinf(nsr) else nsr / (self.shift + nsr)


class Discrete(Schedule):
    """A DDPM table of cumulative products, log-linearly interpolated between its entries.

    `t` in [0, N - 1] is the network's timestep; `alpha(t)^2 = prod_{i <= t} (1 - beta_i)`.
    Levels cleaner than entry 0 or noisier than entry N - 1 map to the ends. The last beta may be 1:
    entry N - 1 is then pure noise, and every finite noise beyond entry N - 2 maps to that one.

    Reference: Ho et al., 2020, arXiv:2006.11239.

    Raises:
        ValueError: for no betas, or any outside of (0, 1).
    """

    def __init__(self, betas: Sequence[float]) -> None:
        if not betas or not (all(0 < b < 1 for b in betas[:-1]) and 0 < betas[-1] <= 1):
            raise ValueError(
                "Discrete: betas must be a non-empty sequence in (0, 1), the last at most 1"
            )
        log_acp, self._log_nsr = 0.0, []
        for beta in betas:
            log_acp += math.log1p(-beta) if beta < 1 else -math.inf
            self._log_nsr.append(0.5 * (math.log(-math.expm1(log_acp)) - log_acp))

    @classmethod
    def linear(cls, start: float = 1e-4, end: float = 0.02, num: int = 1000) -> "Discrete":
        """DDPM's linear betas."""
        return cls([start + (end - start) * i / (num - 1) for i in range(num)])

    @classmethod
    def scaled_linear(
        cls, start: float = 0.00085, end: float = 0.012, num: int = 1000
    ) -> "Discrete":
        """Betas whose square roots are linear; by default Stable Diffusion's."""
        first, last = math.sqrt(start), math.sqrt(end)
        return cls([(first + (last - first) * i / (num - 1)) ** 2 for i in range(num)])

    @classmethod
    def cosine(cls, num: int = 1000) -> "Discrete":
        """Betas of `alpha^2 ~ cos^2(pi/2 (t + 0.008) / 1.008)`, none above 0.999.

        Reference: Nichol and Dhariwal, 2021, arXiv:2102.09672, eq. 17.
        """
        left = [math.cos(math.pi / 2 * (i / num + 0.008) / 1.008) ** 2 for i in range(num + 1)]
        return cls([min(1 - left[i + 1] / left[i], 0.999) for i in range(num)])

    def __call__(self, t: float) -> Level:
        table = self._log_nsr
        t = min(max(t, 0.0), len(table) - 1)
        i = int(t)
        log_nsr = table[i] + (t - i) * (table[i + 1] - table[i]) if t > i else table[i]
        if math.isinf(log_nsr):
            return Level(0.0, 1.0)
        nsr = math.exp(log_nsr)
        return Level(1 / math.hypot(1, nsr), nsr / math.hypot(1, nsr))

    def time(self, nsr: float) -> float:
        table = self._log_nsr
        if nsr <= 0 or math.log(nsr) <= table[0]:
            return 0.0
        if math.log(nsr) >= table[-1]:
            return float(len(table) - 1)
        i = bisect_left(table, math.log(nsr)) - 1
        return i + (math.log(nsr) - table[i]) / (table[i + 1] - table[i])
