"""One-step integrators of the probability flow `d(x / alpha) / d nsr = noise`."""

from collections.abc import Callable

from torch import Tensor

from inverse.denoise import Estimate, Move, Transition
from inverse.levels import CLEAN, Level

Denoise = Callable[[Tensor, Level], Estimate]


def euler(x: Tensor, noise: Tensor, a: Level, b: Level) -> Tensor:
    """`x_b = alpha_b (x / alpha_a + (nsr_b - nsr_a) noise)`, the DDIM(0) step."""
    return (x * (b.alpha / a.alpha)).add_(noise, alpha=b.alpha * (b.nsr - a.nsr))


def runge_kutta(x: Tensor, est: Estimate, a: Level, b: Level, denoise: Denoise) -> Tensor:
    """The classical fourth-order step in nsr; three more denoiser calls (`b` noisy)."""
    middle = _between(a, b)
    k1 = est.noise
    k2 = denoise(euler(x, k1, a, middle), middle).noise
    k3 = denoise(euler(x, k2, a, middle), middle).noise
    k4 = denoise(euler(x, k3, a, b), b).noise
    return euler(x, (k1 + 2 * k2 + 2 * k3 + k4) / 6, a, b)


def _between(a: Level, b: Level) -> Level:
    """The variance-exploding level half way in nsr, scaled like `a`."""
    nsr = (a.nsr + b.nsr) / 2
    return Level(a.alpha, a.alpha * nsr)


class Heun(Transition[None]):
    """Second-order trapezoidal step; one more denoiser call except on the last step to clean.

    Reference: Karras et al., 2022, arXiv:2206.00364, Alg. 1.
    """

    def step(self, move: Move, memory: None) -> tuple[Tensor, None]:
        x, est, a, b, *_, denoise = move
        if b == CLEAN:
            return est.x0, memory
        ahead = denoise(euler(x, est.noise, a, b), b)
        return euler(x, (est.noise + ahead.noise) / 2, a, b), memory
