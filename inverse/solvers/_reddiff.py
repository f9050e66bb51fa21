"""RED-diff: regularisation by denoising diffusion."""

import torch
from torch import Tensor

from inverse.denoise import Prior
from inverse.levels import Grid, Level, vp_grid
from inverse.samplers import Descent
from inverse.solvers._adam import Moments, adam
from inverse.starts import wiener
from operators import LinearOperator, Problem, Rng
from operators.solve import column


class Variational(Descent[Moments | None]):
    """One image mu, improved by one step of Adam at every level of the grid.

    The state is mu itself, and the estimate too. Its memory is Adam's. See `reddiff` for the
    update.
    """

    clean = True

    def __init__(self, prior: Prior, grid: Grid, rate: float, lam: float) -> None:
        super().__init__(grid)
        if rate <= 0 or lam < 0:
            raise ValueError(f"reddiff: need rate > 0 and lam >= 0, got {rate} and {lam}")
        self.prior, self.rate, self.lam = prior, rate, lam

    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, Moments | None]:
        if isinstance(problem.operator, LinearOperator):
            return wiener(problem), None
        return problem.y.new_zeros((len(problem), *problem.operator.in_shape)), None

    def step(
        self, x: Tensor, a: Level, b: Level, memory: Moments | None, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, Moments | None]:
        noisy = torch.add(rng.normal(x.shape).mul_(a.sigma), x, alpha=a.alpha)
        misfit = problem.operator.vjp(x, problem.residual(x)) / column(problem.measured, x)
        lam = self.lam / x[0].numel()
        gradient = (x - self.prior(noisy, a, problem, rng).x0) * lam - misfit
        move, memory = adam(gradient, memory, self.rate, betas=(0.9, 0.99))
        return x + move, x + move, memory


def reddiff(
    prior: Prior, *, steps: int = 1000, rate: float = 0.1, lam: float = 0.25
) -> Variational:
    """Optimise one image against the data and against the denoiser at ever lower noise.

    Adam on `||y - A mu||^2 / (2 m) + lam nsr <eps(x) - n, mu> / N`, `x = a mu + s n`, at each
    level once, from high noise to low; eps is not differentiated, so that the gradient is
    `(lam / N) (mu - D(x)) - J_A^T (y - A mu) / m`, N values per image and m measured: means, as
    released, beside which Adam's own eps of 1e-8 counts. A mode, not a sample; sigma_y never
    enters. Any differentiable operator; no backward pass.

    Reference: Mardani et al., 2023, arXiv:2305.04391, Alg. 1; released defaults as here (rate 0.1,
    betas 0.9 and 0.99, lam 0.25 with linear weights, 1000 steps, 100 for speed).
    Departures: it starts from the Wiener restoration, where the released code takes A^+ y (which
    amplifies the noise of an ill-conditioned A beyond what the steps of Adam can undo), and from
    grey where A is not linear; m counts the measured values of each sample.
    """
    grid = vp_grid(steps)
    return Variational(prior, grid, rate, lam)
