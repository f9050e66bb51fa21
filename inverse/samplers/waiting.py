"""Waiting: a descent in which every coordinate waits at the noise of its own measurement."""

import math

import torch
from torch import Tensor

from inverse.denoise import POINTWISE, FieldPrior, gaussian_around, spectrum
from inverse.levels import CLEAN, UNKNOWN, Grid, Level, Walk
from inverse.samplers.sampler import Descent
from operators import Problem, Rng


class Waiting(Descent[None]):
    """The reverse process from the measurement itself, a state of uneven noise.

    With `A = U diag(s) V^T`, y is x0 with noise of standard deviation `tau_i = sigma_y / s_i` in
    coordinate i of V, infinite where nothing is measured. At a level L the state has

    `nsr_i = min(L, tau_i)`

    there: it is y until L comes down to tau_i. A prior that is told the noise of every coordinate
    walks from it to a draw of x0 given y as it would walk to one of x0: no data step, no guidance,
    nothing to tune. From a to b, with D the prior's estimate, per coordinate:

    `z_b = k z + (1 - k) D + nsr_b sqrt(w) n`, `k = r sqrt(1 - w)`, `w = eta^2 (1 - r^2)`,
    `r = nsr_b / nsr_a`.

    What is measured with noise moves with eta = 1 whatever eta is: the flow without fresh noise
    keeps the law of x0 but not that of x0 given the very y it begins at, which it would take to one
    image. A step down from an infinite level draws all its noise (w = 1); its D is the posterior
    mean, from one call. With an exact prior draws are exact as steps grow: of first order, and of
    second with `heun`, which takes `(k D + D') / (1 + k)` for D, with D' that at the step's end; in
    few steps these weights keep more of the spread than even ones.

    Args:
        prior: told its noise in the coordinates that the operator measures.
        grid: of the scalar level L; `Unbounded` for one that begins at the measurement alone.
        eta: stochasticity where nothing is measured: 0 an ODE, 1 ancestral sampling.
        heun: two calls a step, but for the first from an infinite level and the last.

    Raises:
        ValueError: for an eta outside [0, 1].

    Reference: Kim et al., 2025, arXiv:2412.09191 (RAD: known and unknown pixels); Kawar et al.,
    2022, arXiv:2201.11793, sec. 3.2 (the noise of y in singular coordinates).
    """

    def __init__(self, prior: FieldPrior, grid: Walk, eta: float = 0.0, heun: bool = False) -> None:
        super().__init__(grid)
        if not 0 <= eta <= 1:
            raise ValueError(f"Waiting: eta must be in [0, 1], got {eta}")
        self.prior, self.eta, self.heun = prior, eta, heun
        self.needs = frozenset({prior.coordinates})

    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, None]:
        noise = rng.normal((len(rng), *problem.operator.in_shape))
        return noise * (level.sigma if math.isfinite(level.nsr) else 0.0), None

    def cost(self, level: Level) -> float:
        last = isinstance(self.grid, Grid) and self.grid.after(level, 2) == CLEAN
        return 2 if self.heun and math.isfinite(level.nsr) and not last else 1

    def step(
        self, x: Tensor, a: Level, b: Level, memory: None, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, None]:
        single = POINTWISE.met(problem)  # then every value may have a noise of its own
        data = spectrum(gaussian_around(problem) if single else problem, "Waiting")
        here, there, tau = data.field(a), data.field(b), data.field(UNKNOWN)
        z = data.informed(x / a.alpha, a)
        x0 = self.prior(z, here, problem, rng).x0
        if b.sigma == 0:
            return x0 * b.alpha, x0, memory
        fresh = there.apply(self._spread, rng.normal(z.shape), here, tau)

        def towards(x0: Tensor) -> Tensor:
            return x0 + there.apply(self._kept, z - x0, here, tau) + fresh

        ahead = towards(x0)
        if self.heun and math.isfinite(a.nsr):
            change = self.prior(ahead, there, problem, rng).x0 - x0
            ahead = towards(x0 + there.apply(self._late, change, here, tau))
        return ahead * b.alpha, x0, memory

    def _share(self, b: Tensor, a: Tensor, tau: Tensor) -> Tensor:
        """The share w of the noise at nsr b that is fresh after a step from nsr a."""
        passed = torch.where(a > 0, 1 - (b / a) ** 2, 0.0)
        share = torch.where(tau.isfinite(), passed, self.eta**2 * passed)
        return torch.where(a.isinf(), 1.0, share)

    def _spread(self, b: Tensor, a: Tensor, tau: Tensor) -> Tensor:
        return b * self._share(b, a, tau).sqrt()

    def _kept(self, b: Tensor, a: Tensor, tau: Tensor) -> Tensor:
        ratio = torch.where(a > 0, b / a, 1.0)
        return ratio * (1 - self._share(b, a, tau)).sqrt()

    def _late(self, b: Tensor, a: Tensor, tau: Tensor) -> Tensor:
        """The weight of the estimate at the end of a step."""
        return 1 / (1 + self._kept(b, a, tau))
