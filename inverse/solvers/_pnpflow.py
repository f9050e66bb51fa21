"""PnP-Flow: plug-and-play restoration with flow matching."""

from torch import Tensor

from inverse.denoise import Prior, steepness
from inverse.levels import Level, Walk
from inverse.samplers import Descent, Sampler, decoded, flow_grid
from operators import Problem, Rng
from operators.solve import column


class PlugAndPlay(Descent[Tensor | None]):
    """A gradient step on the data, then the mean of `draws` denoisings at the level; `pnpflow`.

    Its memory is the largest eigenvalue of `J^T J`, J the operator's Jacobian at the first
    estimate, (B,).
    """

    clean = True

    def __init__(self, prior: Prior, grid: Walk, rate: float, power: float, draws: int) -> None:
        super().__init__(grid)
        if not 0 < rate < 2 or power < 0 or draws < 1:
            raise ValueError(
                f"pnpflow: need 0 < rate < 2, power >= 0, draws >= 1, got {rate}, {power}, {draws}"
            )
        self.prior, self.rate, self.power, self.draws = prior, rate, power, draws

    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, Tensor | None]:
        return problem.y.new_zeros((len(problem), *problem.operator.in_shape)), self.init_memory()

    def step(
        self, x: Tensor, a: Level, b: Level, memory: Tensor | None, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        if memory is not None:
            size = self.rate * (a.sigma / (a.alpha + a.sigma)) ** self.power
            slope = problem.operator.vjp(x, problem.residual(x))
            x = x + column(size / memory, x) * slope
        mean = self._denoised(x, a, problem, rng)
        for count in range(2, self.draws + 1):
            mean = mean.lerp(self._denoised(x, a, problem, rng), 1 / count)
        return mean, mean, steepness(problem, mean, rng) if memory is None else memory

    def _denoised(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        noisy = rng.normal(x.shape).mul_(level.sigma).add_(x, alpha=level.alpha)
        return self.prior(noisy, level, problem, rng).x0


def pnpflow(
    prior: Prior,
    *,
    steps: int = 100,
    rate: float = 1.0,
    power: float = 0.5,
    draws: int = 5,
    shift: float = 1.0,
) -> Sampler:
    """Descend on the data, go back on the flow's path by fresh noise, denoise; at falling noise.

    `z = x - rate t^power / L A^T (A x - y)`, `x <- mean_i D_t((1 - t) z + t n_i)` over
    `draws` noises n_i, with t from 1 to 0 (in the paper 1 - t) and L = ||A||^2; through the
    decoder on a latent prior. A point estimate that ends in the prior's word. Any differentiable
    operator (L from its Jacobian at the first estimate), no backward pass through the network.

    Reference: Martin et al., 2025, arXiv:2410.02423, Alg. 1; released: 100 steps, 5 draws, rate 1;
    power 0.8 (denoising), 0.5 (box inpainting), 0.3 (super-resolution), 0.01 (deblurring, random
    inpainting).
    Departures: steps are in units of 1 / L (1 there); no data step before the first denoising,
    which sees nothing but noise.
    """
    chain = PlugAndPlay(prior, flow_grid(steps, shift), rate, power, draws)
    return decoded(chain, prior)
