"""FPS-SMC: filtering posterior sampling with particles."""

from torch import Tensor

from inverse.denoise import Evaluation, Prior, explain, linear_operator, noise_variance
from inverse.levels import Level, vp_grid
from inverse.samplers.particles import Forecast, Particles, Proposal, Resampling
from inverse.transitions import Renoise
from operators import Problem, Rng


class Filtering(Proposal):
    """Noised data `y_b`, each taken for a measurement `y_b = A x_b + alpha_b sigma_y n`.

    The data share the noise of the image: from the top, `y_b = alpha_b y + sigma_b (sqrt(1 - z)
    (y_a - alpha_a y) / sigma_a + sqrt(z) A n)` with z as of the prior's kernel. Particles move by
    `p(x_b | x_a) p(y_b | x_b)`, a Gaussian drawn exactly, and weigh `p(y_b | x_a)`, its
    integral: the optimal proposal, whose weight is known before the move.

    As the number of particles grows this is the filter of all y_b. It takes the measurement
    noise, one and the same in all of them, for fresh in each: without it the filter is the
    posterior (as the steps of a `DDIM` kernel shrink), with it the spread comes out too small.
    """

    def observe(
        self, data: Tensor | None, problem: Problem, rng: Rng, a: Level | None, b: Level
    ) -> Tensor:
        operator = linear_operator(problem, "Filtering")
        y = problem.y * b.alpha
        if b.sigma == 0:
            return y
        noise = operator(rng.normal((len(problem), *operator.in_shape)))
        if data is None or a is None:
            return y.add(noise, alpha=b.sigma)
        fresh = self.prior.share(a, b)
        past = (data - a.alpha * problem.y) / a.sigma
        return y + b.sigma * ((1 - fresh) ** 0.5 * past + fresh**0.5 * noise)

    def weigh(self, ev: Evaluation, forecast: Forecast, b: Level, data: Tensor | None) -> Tensor:
        operator = linear_operator(ev.problem, "Filtering")
        variance = noise_variance(ev.problem) * b.alpha**2
        y = _per_particle(data, ev.problem)
        return explain(operator, forecast.mean, y, variance, forecast.std**2)[1]

    def move(
        self,
        forecast: Forecast,
        a: Level,
        b: Level,
        data: Tensor | None,
        problem: Problem,
        rng: Rng,
    ) -> tuple[Tensor, float]:
        operator = linear_operator(problem, "Filtering")
        sigma = problem.sigma * b.alpha
        y = _per_particle(data, problem)
        x = operator.posterior_sample(forecast.mean, y, sigma, forecast.std**2, rng)
        return x, 0.0


def _per_particle(data: Tensor | None, problem: Problem) -> Tensor:
    assert data is not None
    return data.repeat_interleave(len(problem) // len(data), 0)


def fps_smc(
    prior: Prior, *, steps: int = 1000, particles: int = 5, zeta: float = 0.95
) -> Particles:
    """Noise the measurement along with the image, then filter the image out of it, particle-wise.

    `y_b = alpha_b y + sigma_b (sqrt(1 - zeta) (y_a - alpha_a y) / sigma_a + sqrt(zeta) A n)`,
    `x_b ~ N(m, sigma_b^2 zeta I) N(y_b; A x_b, alpha_b^2 sigma_y^2 I)` with
    `m = alpha_b x0 + sigma_b sqrt(1 - zeta) noise`; particles weigh
    `N(y_b; A m, sigma_b^2 zeta A A^T + alpha_b^2 sigma_y^2 I)` and are resampled at every step.
    Linear operators; no backward pass. `particles` network evaluations per step; with 1 it is
    FPS, without weights. It takes the measurement noise for fresh at every level, and zeta near 1
    nearly restarts there: exact in neither respect, its spread is too small (see `Filtering`).

    Reference: Dou and Song, 2024, ICLR, openreview:tplXNcHZs1 (FPS-SMC). Released:
    zeta ("c_rate") 0.95, 5 particles, 1000 steps.
    Departures: levels of the continuous VP path; no clipping of x0; the last step draws x0 given
    the data instead of returning the mean; sigma_y is the problem's (the released code fixes it at
    0.05, draws at the level above it what it weighs at the one below, and weighs after the move,
    by ratios that differ between tasks where the rule has one constant).
    """
    grid = vp_grid(steps)
    resampling = Resampling(threshold=1.0, scheme="multinomial")
    return Particles(prior, Filtering(Renoise(zeta)), grid, particles, resampling)
