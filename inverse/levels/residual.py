"""Paths from an image to a crude restoration y0 of it, as levels.

The state `x = x0 + e (y0 - x0) + sigma n`, less a known shift, is one of an ordinary level,
`x - e y0 = alpha x0 + sigma n` with `alpha = 1 - e`.
"""

import math

from inverse.levels.schedules import Level, Schedule

LAST = 0.99  # of the root of e at time 1


class Shift(Schedule):
    """Residual shifting: `alpha = 1 - e`, `sigma = k sqrt(e)`, `sqrt(e) = s (0.99 / s)^(t^p)`.

    `s = min(0.2 / k, 0.2)`, of time 0; t in [0, 1], of which t < 0 are cleaner.

    Reference: Yue et al., 2023, arXiv:2307.12348 (k = 2, p = 0.3, on latents of
    standard deviation 1).

    Raises:
        ValueError: unless k and the power p are positive.
    """

    def __init__(self, k: float = 1.0, power: float = 0.3) -> None:
        if k <= 0 or power <= 0:
            raise ValueError(f"Shift: k and power must be positive, got {k} and {power}")
        self.k, self.power, self.first = k, power, min(0.2 / k, 0.2)

    def __call__(self, t: float) -> Level:
        root = self.first * (LAST / self.first) ** math.copysign(abs(t) ** self.power, t)
        return Level(1 - root**2, self.k * root)

    def time(self, nsr: float) -> float:
        root = 2 * nsr / (self.k + math.sqrt(self.k**2 + 4 * nsr**2))
        passed = math.log(root / self.first) / math.log(LAST / self.first)
        return math.copysign(abs(passed) ** (1 / self.power), passed)


class Residual(Schedule):
    """Residual denoising: `alpha = (1 - t)^2`, `sigma = sqrt(c) t`; t in [0, 1].

    Reference: Liu et al., 2024, arXiv:2308.13712, with the schedules of the released code.

    Raises:
        ValueError: unless c, the variance of the noise at the end, is positive.
    """

    def __init__(self, c: float = 1.0) -> None:
        if c <= 0:
            raise ValueError(f"Residual: c must be positive, got {c}")
        self.spread = math.sqrt(c)

    def __call__(self, t: float) -> Level:
        return Level((1 - t) ** 2, self.spread * t)

    def time(self, nsr: float) -> float:
        if math.isinf(nsr):
            return 1.0
        middle = 2 * nsr + self.spread  # of nsr t^2 - middle t + nsr = 0
        return 2 * nsr / (middle + math.sqrt(middle**2 - 4 * nsr**2))
