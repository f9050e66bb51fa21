"""CM4IR: four calls, each told more noise than there is, the estimated noise turned round."""

from collections.abc import Sequence

from torch import Tensor

from inverse.denoise import (
    LINEAR,
    Conditioned,
    DataStep,
    Prior,
    linear_operator,
    noise_level,
    noise_variance,
)
from inverse.levels import CLEAN, Discrete, Level, Levels
from inverse.priors import Aligned
from inverse.samplers import Process
from inverse.starts import Grey, RestorerStart
from inverse.transitions import Turned
from operators import Problem, Rng


def cm4ir(
    prior: Prior,
    *,
    start: int = 250,
    gamma: float = 0.2,
    deltas: Sequence[float] = (0.0, 0.3, 0.05, 0.1),
    eta: float = 0.1,
    zeta: float = 1.0,
) -> Process:
    """Guide few calls by back-projection, and turn the noise that was found round.

    `x0 = D(x, (1 + delta_i) s_i)`, `x0' = x0 + A^T (A A^T + zeta sigma_y^2 I)^-1 (y - A x0)`,
    `x <- x0' + s' (eta n - sqrt(1 - eta^2) (x - x0) / s_i)`, from `A^+ y + s_0 n` with that
    regularised inverse, over `s_i = sqrt(1 - abar (1 + gamma)^i)`, abar the one of DDPM's timestep
    `start + 1`: a call for each delta. Of noisy data the last call has the last word: no data step.

    Reference: Garber and Tirer, 2025, arXiv:2412.20596, its released code, where start (150 to
    400), gamma (0.01 to 0.7), the deltas and zeta are chosen by task: these deltas and eta are its
    own for super-resolution, the other constants ours and not tuned. Departures: any prior, where
    the paper has a consistency model; x0 is not cut to [-1, 1].

    Raises:
        ValueError: for no deltas, or levels that do not fall to above 0.
    """
    keep = Discrete.linear()(start + 1).alpha ** 2
    shares = [min(keep * (1 + gamma) ** i, 0.9999) for i in range(len(deltas))]
    levels = Levels([(1 - share) ** 0.5 for share in shares])
    told = Aligned(prior, levels.nsrs, [1 + delta for delta in deltas])
    step = BackProject(zeta, last=levels.nsrs[-1])
    denoiser = Conditioned(told, step, keep_noise=True)
    return Process(denoiser, Turned(eta**2), levels, start=RestorerStart(step.restored))


class BackProject(DataStep):
    """The estimate moved onto the data, as far as their noise lets them be believed.

    `x0 + A^T (A A^T + zeta sigma_y^2 I)^-1 (y - A x0)`; of noisy data x0 itself at the level
    `last` and below.

    Reference: Garber and Tirer, 2024, arXiv:2312.16519.
    """

    requires = frozenset({LINEAR})

    def __init__(self, zeta: float, last: float) -> None:
        self.zeta, self.last = zeta, last

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        sigma = noise_level(problem)
        noisy = isinstance(sigma, Tensor) or sigma > 0
        return x0 if noisy and level.nsr <= self.last else self._moved(x0, problem)

    def restored(self, problem: Problem) -> Tensor:
        """`A^T (A A^T + zeta sigma_y^2 I)^-1 y`: what it makes of a grey picture."""
        return self._moved(Grey()(problem, Rng([0]), CLEAN), problem)

    def _moved(self, x0: Tensor, problem: Problem) -> Tensor:
        operator = linear_operator(problem, "BackProject")
        return operator.prox(x0, problem.y, self.zeta * noise_variance(problem))
