"""MCGdiff: Monte Carlo guided diffusion."""

from typing import NamedTuple

import torch
from torch import Tensor

from inverse.denoise import SPECTRAL, Evaluation, Prior, squares
from inverse.levels import Level, vp_grid
from inverse.samplers.particles import Forecast, Particles, Proposal, Resampling
from inverse.transitions import DDIM, Renoise
from operators import Problem, Rng, SpectralOperator
from operators.solve import column


class Potential(NamedTuple):
    """A product of normal densities over the singular directions that are active.

    `g(x) = prod_i N(V_i^T x; target_i, variance_i)` over the directions with `active` = 1.

    In the coefficients of a `SpectralOperator`; each broadcasts against `vt(x)`.
    """

    operator: SpectralOperator
    target: Tensor
    variance: Tensor
    active: Tensor

    def log(self, x: Tensor, spread: float = 0.0) -> Tensor:
        """`log int N(x'; x, spread^2 I) g(x') dx'`, (B,), up to what does not depend on x."""
        rest = self.operator.vt(x) - self.target
        scale = self.active / (self.variance + spread**2).sqrt()
        return -0.5 * squares(self.operator.v(scale * rest))

    def draw(self, mean: Tensor, spread: float, noise: Tensor) -> Tensor:
        """A draw from `N(mean, spread^2 I) g`, made of `noise` ~ N(0, I)."""
        operator, gain = self.operator, self.active / (1 + self.variance / spread**2)
        towards = gain * (self.target - operator.vt(mean))
        shrink = spread * ((1 - gain).sqrt() - 1) * operator.vt(noise)
        return mean + spread * noise + operator.v(towards + shrink)


class Pinned(Proposal):
    """Potentials on the singular directions, at every level that is noisier than the datum.

    With `A = U diag(s) V^T` the datum `y_i / s_i` has noise of level `t_i = sigma_y / s_i`:
    it is the state's own direction i at nsr = t_i, `alpha` apart, and pins it there. Above, for
    `nsr >= t_i`, the potential is `g_i(x) = N(v_i^T x; alpha y_i / s_i, alpha^2 (nsr^2 - t_i^2 +
    kappa (1 + t_i^2)))`; below, direction i is free. Particles move by `p(x_b | x_a) g_b(x_b)`
    and weigh `int p(x_b | x_a) g_b(x_b) dx_b / g_a(x_a)` over the directions still pinned at b:
    what a direction weighed when it came free is its datum's likelihood, and stays. The step to
    clean takes the likelihood itself for those pinned to the end.

    The posterior, as the number of particles grows, the steps shrink and kappa falls.
    """

    requires = frozenset({SPECTRAL})

    def __init__(
        self, prior: DDIM | Renoise, kappa: float = 1e-4, data_variance: float | None = 1.0
    ) -> None:
        super().__init__(prior, data_variance)
        if not kappa > 0:
            raise ValueError(f"Pinned: kappa must be positive, got {kappa}")
        self.kappa = kappa

    def potential(self, problem: Problem, level: Level, held: Level) -> Potential:
        """The potential at `level` on the directions that are pinned at `held`."""
        operator = problem.operator
        assert isinstance(operator, SpectralOperator)
        target = level.alpha * operator.s_inv * operator.ut(problem.y)
        own = column(problem.sigma, target) * operator.s_inv  # t_i
        active = (operator.s_inv > 0) & (own <= held.nsr)
        if level.sigma == 0:
            variance = own**2
        else:
            excess = level.nsr**2 - own**2 + self.kappa * (1 + own**2)
            variance = torch.where(active, level.alpha**2 * excess, 1.0)
        return Potential(operator, target, variance, active.to(variance))

    def weigh(self, ev: Evaluation, forecast: Forecast, b: Level, data: Tensor | None) -> Tensor:
        held = ev.level if b.sigma == 0 else b
        ahead = self.potential(ev.problem, b, held).log(forecast.mean, forecast.std)
        return ahead - self.potential(ev.problem, ev.level, held).log(ev.x)

    def move(
        self,
        forecast: Forecast,
        a: Level,
        b: Level,
        data: Tensor | None,
        problem: Problem,
        rng: Rng,
    ) -> tuple[Tensor, float]:
        noise = rng.normal(forecast.mean.shape)
        potential = self.potential(problem, b, a if b.sigma == 0 else b)
        return potential.draw(forecast.mean, forecast.std, noise), 0.0


def mcgdiff(
    prior: Prior,
    *,
    steps: int = 100,
    particles: int = 64,
    eta: float = 1.0,
    kappa: float = 1e-4,
) -> Particles:
    """Pin each singular direction to its datum as long as the state is noisier, particle-wise.

    With `A = U diag(s) V^T`, `t_i = sigma_y / s_i` and the potentials g of `Pinned` on the
    directions with `nsr >= t_i`: `x_b ~ p(x_b | x_a) g_b(x_b)`, weight
    `int p(x_b | x_a) g_b(x_b) dx_b / g_a(x_a)`, multinomial resampling at every step; p is the
    DDIM(eta) kernel. Operators with a singular value decomposition; no backward pass;
    `particles` network evaluations per step. Prior and datum both pull at a pinned direction: its
    noise is by up to two thirds less than the network takes it for, which only many particles make
    up for. Pictures from few of them come out mottled.

    Reference: Cardoso et al., 2024, arXiv:2308.07983 (MCGdiff). Released: 64 particles
    (10000 for outpainting), 100 steps, eta 1, kappa 1e-4.
    Departures: when a direction comes free its last potential is kept as the datum's likelihood.
    The released code divides it out again and weighs by the likelihood at the end, which is
    right on average but by weights of boundless variance. t_i is not rounded to a level of the
    grid; the levels are those of the continuous VP path, evenly spaced in time.
    """
    grid = vp_grid(steps)
    resampling = Resampling(threshold=1.0, scheme="multinomial")
    return Particles(prior, Pinned(DDIM(eta), kappa), grid, particles, resampling)
