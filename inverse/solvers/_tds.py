"""TDS: the twisted diffusion sampler."""

from torch import Tensor

from inverse.denoise import (
    BACKWARD,
    LINEAR,
    Evaluation,
    Prior,
    estimate,
    explain,
    linear_operator,
    matched_variance,
    noise_variance,
    squares,
)
from inverse.flows import PinvScore
from inverse.levels import Level, vp_grid
from inverse.samplers.particles import Forecast, Particles, Proposal, Resampling
from inverse.transitions import DDIM, Renoise
from operators import Problem, Rng
from operators.solve import dot


class Twisted(Proposal):
    """Particles move by the prior's kernel at the estimate guided with `score = grad log psi`.

    `psi_a(x) = N(y; A D(x), r^2 A A^T + sigma_y^2 I)` is the twisting function, and a particle
    weighs `p(x_b | x_a) psi_b(x_b) / (q(x_b | x_a) psi_a(x_a))` with q the guided kernel. One
    backward pass per step. psi_b is weighed at the next step, with the estimate made there.
    """

    differentiable = True
    requires = frozenset({LINEAR, BACKWARD})

    def __init__(self, prior: DDIM | Renoise, data_variance: float | None = 1.0) -> None:
        super().__init__(prior, data_variance)
        self.score = PinvScore(data_variance)

    def start(self, level: Level, data: Tensor | None, problem: Problem, rng: Rng) -> Tensor:
        return rng.normal((len(problem), *problem.operator.in_shape)).mul_(level.sigma)

    def forecast(self, ev: Evaluation, b: Level) -> Forecast:
        est, a, psi = ev.estimate, ev.level, self._psi(ev)
        mean, std = self.step(est, a, b)
        if b.sigma == 0:
            return Forecast(mean, std, (psi,))
        twisted = est.x0 + (a.sigma**2 / a.alpha) * self.score(ev)
        shift = self.step(estimate(ev.x, twisted, a), a, b)[0] - mean
        return Forecast(mean, std, (psi, shift))

    def weigh(self, ev: Evaluation, forecast: Forecast, b: Level, data: Tensor | None) -> Tensor:
        return forecast.extras[0]

    def move(
        self,
        forecast: Forecast,
        a: Level,
        b: Level,
        data: Tensor | None,
        problem: Problem,
        rng: Rng,
    ) -> tuple[Tensor, Tensor | float]:
        mean, std = forecast.mean, forecast.std
        if b.sigma == 0:  # psi is the integral of this draw: nothing is left to weigh
            operator = linear_operator(problem, "Twisted")
            return operator.posterior_sample(mean, problem.y, problem.sigma, std**2, rng), 0.0
        psi, shift = forecast.extras
        noise = rng.normal(shift.shape)
        ratio = squares(shift) / (2 * std**2) + dot(shift, noise) / std
        return mean + shift + std * noise, -psi - ratio

    def _psi(self, ev: Evaluation) -> Tensor:
        operator = linear_operator(ev.problem, "Twisted")
        r2, noise = matched_variance(ev.level, self.data_variance), noise_variance(ev.problem)
        return explain(operator, ev.estimate.x0, ev.problem.y, noise, r2)[1]


def tds(
    prior: Prior,
    *,
    steps: int = 100,
    particles: int = 4,
    eta: float = 1.0,
    data_variance: float | None = 1.0,
    threshold: float = 1.0,
) -> Particles:
    """Guide particles as PiGDM does, weigh what the guidance gets wrong, resample.

    `x_b ~ N(m', v)` with m' the mean of the DDIM step at the estimate guided by the score of
    `psi_a = N(y; A x0(x_a), r^2 A A^T + sigma_y^2 I)`, m that of the plain step, v the variance
    of both; log-weight `log N(x_b; m, v) - log N(x_b; m', v) + log psi_b - log psi_a`.
    `r^2 = nsr^2 / (1 + nsr^2 / data_variance)`, nsr^2 for None. Linear operators; one backward
    pass per step; `particles` network evaluations per step.

    Reference: Wu et al., 2023, arXiv:2306.17775, Alg. 1. Released: 4 particles, systematic
    resampling at every step, r = nsr, or r^2 as here with 1.
    Departures: any linear operator and noise (the released image code has inpainting and classes,
    without noise), hence A A^T and sigma_y in psi; the last step draws x0 given the data; the
    guided estimate is not clipped to [-1, 1].
    """
    grid = vp_grid(steps)
    proposal = Twisted(DDIM(eta), data_variance)
    return Particles(prior, proposal, grid, particles, Resampling(threshold))
