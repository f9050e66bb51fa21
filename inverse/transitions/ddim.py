"""One-step transitions that go through the estimate: DDIM(eta) and re-noising."""

from torch import Tensor

from inverse.denoise import Estimate, Memory, Move, Transition
from inverse.levels import Level
from operators import Rng


def renoise(est: Estimate, b: Level, zeta: float, rng: Rng) -> Tensor:
    """The state `x_b = alpha_b x0 + sigma_b (sqrt(1 - zeta) noise + sqrt(zeta) n)`, n ~ N(0, I)."""
    if b.sigma == 0:
        return est.x0 * b.alpha if b.alpha != 1 else est.x0
    if zeta == 0:
        x = est.noise * b.sigma
    else:
        x = rng.normal(est.x0.shape).mul_(b.sigma * zeta**0.5)
    if 0 < zeta < 1:
        x.add_(est.noise, alpha=b.sigma * (1 - zeta) ** 0.5)
    return x.add_(est.x0, alpha=b.alpha)


def kernel(est: Estimate, b: Level, zeta: float) -> tuple[Tensor, float]:
    """Mean and standard deviation of the Gaussian that `renoise` draws from."""
    mean = (est.noise * (b.sigma * (1 - zeta) ** 0.5)).add_(est.x0, alpha=b.alpha)
    return mean, b.sigma * zeta**0.5


class DDIM(Transition):
    """Keeps a part of the state's noise and draws the rest.

    `x_b = alpha_b x0 + sigma_b (sqrt(1 - z) noise + sqrt(z) n)`, `z = eta^2 (1 - r^2)`.

    `r = nsr_b / nsr_a`; eta = 0 is the exponential-Euler step of the probability flow, eta = 1
    ancestral sampling.

    Reference: Song et al., 2021, arXiv:2010.02502, eq. 12 (there for variance preserving paths).
    """

    def __init__(self, eta: float = 0.0) -> None:
        if not 0 <= eta <= 1:
            raise ValueError(f"DDIM: eta must be in [0, 1], got {eta}")
        self.eta = eta

    def share(self, a: Level, b: Level) -> float:
        """The share z of the noise that is fresh after a step from `a` to `b`."""
        return self.eta**2 * (1 - (b.nsr / a.nsr) ** 2)

    def step(self, move: Move, memory: Memory) -> tuple[Tensor, Memory]:
        return renoise(move.est, move.b, self.share(move.a, move.b), move.rng), memory


class Renoise(Transition):
    """Keeps a part of the state's noise and draws the rest, by a share zeta: 1 restarts.

    `x_b = alpha_b x0 + sigma_b (sqrt(1 - zeta) noise + sqrt(zeta) n)`.

    Reference: Zhu et al., 2023, arXiv:2305.08995, eq. 13 (DiffPIR); DDRM's and DDNM's "eta" is
    `sqrt(zeta)`.
    """

    def __init__(self, zeta: float = 1.0) -> None:
        if not 0 <= zeta <= 1:
            raise ValueError(f"Renoise: zeta must be in [0, 1], got {zeta}")
        self.zeta = zeta
        self.eta = zeta**0.5

    def share(self, a: Level, b: Level) -> float:
        """The share zeta of the noise that is fresh after a step."""
        return self.zeta

    def step(self, move: Move, memory: Memory) -> tuple[Tensor, Memory]:
        return renoise(move.est, move.b, self.zeta, move.rng), memory
