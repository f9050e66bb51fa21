"""One-step transitions through the estimate: DDIM(eta), re-noising, annealing, restarts."""

from abc import abstractmethod
from typing import Any

from torch import Tensor

from inverse.denoise import Estimate, Move, Transition, climb
from inverse.levels import CLEAN, Level
from operators import Rng


def renoise(est: Estimate, b: Level, zeta: float, rng: Rng, sign: float = 1.0) -> Tensor:
    """`x_b = alpha_b x0 + sigma_b (sign sqrt(1 - zeta) noise + sqrt(zeta) n)`, n ~ N(0, I)."""
    if b.sigma == 0:
        return est.x0 * b.alpha if b.alpha != 1 else est.x0
    if zeta == 0:
        x = est.noise * (sign * b.sigma)
    else:
        x = rng.normal(est.x0.shape).mul_(b.sigma * zeta**0.5)
    if 0 < zeta < 1:
        x.add_(est.noise, alpha=sign * b.sigma * (1 - zeta) ** 0.5)
    return x.add_(est.x0, alpha=b.alpha)


def kernel(est: Estimate, b: Level, zeta: float) -> tuple[Tensor, float]:
    """Mean and standard deviation of the Gaussian that `renoise` draws from."""
    mean = (est.noise * (b.sigma * (1 - zeta) ** 0.5)).add_(est.x0, alpha=b.alpha)
    return mean, b.sigma * zeta**0.5


class Kept(Transition[None]):
    """A transition that keeps a part of the state's noise and draws a share of it afresh.

    `x_b = alpha_b x0 + sigma_b (sqrt(1 - z) noise + sqrt(z) n)`, z the share.
    """

    @abstractmethod
    def share(self, a: Level, b: Level) -> float:
        """The share z of the noise that is fresh after a step from `a` to `b`."""

    def step(self, move: Move, memory: None) -> tuple[Tensor, None]:
        return renoise(move.est, move.b, self.share(move.a, move.b), move.rng), memory


class DDIM(Kept):
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
        return self.eta**2 * (1 - (b.nsr / a.nsr) ** 2)


class Brownian(Kept):
    """Keeps a part of the state's noise and draws the rest, a Brownian motion in `sigma^2`.

    `x_b = alpha_b x0 + sigma_b (sqrt(1 - z) noise + sqrt(z) n)`,
    `z = eta^2 (1 - (sigma_b / sigma_a)^2)`.

    DDIM's is one in `nsr^2`; where alpha is 1 they are the same. eta = 1 is the posterior of
    residual shifting, `N(r x_a + (1 - r) x0, k^2 r (e_a - e_b))` with `r = e_b / e_a`.

    Reference: Yue et al., 2023, arXiv:2307.12348; Liu et al., 2024, arXiv:2308.13712.
    """

    def __init__(self, eta: float = 1.0) -> None:
        if not 0 <= eta <= 1:
            raise ValueError(f"Brownian: eta must be in [0, 1], got {eta}")
        self.eta = eta

    def share(self, a: Level, b: Level) -> float:
        return self.eta**2 * (1 - (b.sigma / a.sigma) ** 2)


class Renoise(Kept):
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
        return self.zeta


class Turned(Transition[None]):
    """Keeps a part of the state's noise, its sign turned round, and draws the rest.

    `x_b = alpha_b x0 + sigma_b (sqrt(zeta) n - sqrt(1 - zeta) noise)`.

    The estimated noise is the true one and the estimate's own error over sigma. Kept, it carries
    that error on; turned, it takes it back: without fresh noise (zeta = 0) this is the fixed-point
    iteration `x <- x0(x)` over-relaxed by `r = nsr_b / nsr_a`, `x_b = x0 + r (x0 - x)`, whose
    errors shrink by `|(1 + r) q - r|` where they shrank by q. So it ends near a point estimate, not
    at a posterior sample, and sooner.

    Reference: Garber & Tirer, 2024, arXiv:2412.20596, the released code (CM4IR, zeta = 0.01).
    """

    def __init__(self, zeta: float = 0.01) -> None:
        if not 0 <= zeta <= 1:
            raise ValueError(f"Turned: zeta must be in [0, 1], got {zeta}")
        self.zeta = zeta

    def step(self, move: Move, memory: None) -> tuple[Tensor, None]:
        return renoise(move.est, move.b, self.zeta, move.rng, sign=-1.0), memory


class Anneal(Transition[None]):
    """Noises the estimate afresh, by as much as the temperature says.

    `x_b = alpha_b x0 + temperature sigma_b n`.

    Temperature 0 is half-quadratic splitting (plug-and-play), whose levels are a schedule of
    penalties: a point estimate. Temperature 1 restarts from fresh noise, as `Renoise(1)`. Between
    them the estimate's own error makes up for the missing noise.

    Reference: Zhang et al., 2021, arXiv:2008.13751, Alg. 1 (temperature 0).
    """

    def __init__(self, temperature: float = 0.0) -> None:
        if not 0 <= temperature <= 1:
            raise ValueError(f"Anneal: temperature must be in [0, 1], got {temperature}")
        self.temperature = temperature

    def step(self, move: Move, memory: None) -> tuple[Tensor, None]:
        x, b = move.est.x0 * move.b.alpha, move.b
        if self.temperature > 0 and b.sigma > 0:
            x.add_(move.rng.normal(x.shape), alpha=self.temperature * b.sigma)
        return x, memory


class Restart(Transition[tuple[Any, Any]]):
    """A rule whose time travel noises the last estimate afresh: `x_b = alpha_b x0 + sigma_b n`.

    x0 is the denoiser's own, `(x - sigma noise) / alpha`: where a data step kept its noise
    (`Conditioned`), the estimate before that step.

    Reference: the released code of Wang et al., 2022, arXiv:2212.00490 (DDNM; its Alg. 2 diffuses
    the state instead).
    """

    def __init__(self, rule: Transition) -> None:
        self.rule = rule
        self.eta, self.requires = rule.eta, rule.requires

    def init(self) -> tuple[Any, Any]:
        return self.rule.init(), None

    def step(self, move: Move, memory: tuple[Any, Any]) -> tuple[Tensor, tuple[Any, Any]]:
        x, after = self.rule.step(move, memory[0])
        x0 = (move.x - move.a.sigma * move.est.noise) / move.a.alpha
        return x, (after, x0)

    def climb(
        self, x: Tensor, a: Level, b: Level, memory: tuple[Any, Any], rng: Rng
    ) -> tuple[Tensor, tuple[Any, Any]]:
        return climb(memory[1], CLEAN, b, rng), (self.rule.init(), memory[1])
