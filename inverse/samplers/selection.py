"""Selection: samples of one measurement share their evidence; the weak give way to the strong."""

from typing import NamedTuple

import torch
from torch import Tensor

from inverse.denoise import (
    LINEAR,
    Prior,
    explain,
    linear_operator,
    noise_variance,
    stein_variance,
)
from inverse.levels import Level, Walk
from inverse.samplers.particles.resampling import flat, systematic
from inverse.samplers.sampler import Descent
from operators import Problem, Rng
from operators.solve import column, widest


class Trail(NamedTuple):
    """What `Selection` remembers of its last move, which added `std * noise` to the state.

    Attributes:
        x0: an estimate from before the move (B, C, H, W). noise: (B, C, H, W). std: its scale.
        log_weights: (B,), less the evidence that was forecast; None for fair samples.
    """

    x0: Tensor
    noise: Tensor
    std: float
    log_weights: Tensor | None


class Selection(Descent[Trail | None]):
    """Exact draws of x0 given the data at every level, selected by how well they foretold.

    With D the prior's estimate at level a and `x0 | x_a ~ N(D, r^2 I)`: x0 is drawn from
    `N(x0; D, r^2 I) N(y; A x0, sigma_y^2 I)`, the next state x_b from the bridge
    `q(x_b | x_a, x0)`. The same Gaussian, given x_b, forecasts the next estimate and its
    variance, D^ and r^2_{b|a}; a sample weighs the evidence that it found over what it foretold,
    `N(y; A D_b, r_b^2 A A^T + sigma_y^2 I) / N(y; A D^, r^2_{b|a} A A^T + sigma_y^2 I)`.
    Members of a group are resampled (systematically) once the effective number of them is
    `threshold` of their number or less, and on clean levels. This is a twisted particle filter:
    exact for the prior's chain with white kernels as groups grow. A group of 1 is not weighed.

    r^2 is measured on the way (`stein_variance`), so there is nothing to tune. A walk may climb:
    its states are then taken for fair samples. One network call per step, no backward pass.

    Reference: Guarniero et al., 2017, arXiv:1511.06286 (twisted filters); Wu et al., 2023,
    arXiv:2306.17775 (for diffusion models); Orieux et al., 2012, doi:10.1109/LSP.2012.2189104.

    Args:
        prior, grid: what estimates the clean image, and the levels.
        group: how many consecutive samples of the batch are of one and the same measurement and
            select among each other. Their results depend on each other, and on no others.

    Raises:
        ValueError: for a group below 1, or (when run) one that does not divide the batch.
    """

    needs = frozenset({LINEAR})
    shuffles = True

    def __init__(self, prior: Prior, grid: Walk, group: int = 1, threshold: float = 0.5) -> None:
        super().__init__(grid)
        if not isinstance(group, int) or group < 1:
            raise ValueError(f"Selection: group must be a whole number above 0, got {group!r}")
        self.prior, self.group, self.threshold = prior, group, threshold

    def begin(self, problem: Problem, rng: Rng, level: Level) -> tuple[Tensor, Trail]:
        nothing = problem.y.new_zeros((len(rng), *problem.operator.in_shape))
        x, trail = _shake(nothing, nothing, level.sigma, rng)
        return x, trail._replace(log_weights=_even(x))

    def climb(
        self, x: Tensor, a: Level, b: Level, memory: Trail | None, rng: Rng
    ) -> tuple[Tensor, Trail]:
        scale = b.alpha / a.alpha
        std = (b.sigma**2 - (scale * a.sigma) ** 2) ** 0.5
        return _shake(x * scale, x / a.alpha, std, rng)

    def step(
        self, x: Tensor, a: Level, b: Level, memory: Trail | None, problem: Problem, rng: Rng
    ) -> tuple[Tensor, Tensor, Trail | None]:
        if len(rng) % self.group:
            raise ValueError(f"Selection: groups of {self.group} do not fit a batch of {len(rng)}")
        x0, log_weights = self.prior(x, a, problem, rng).x0, _even(x)
        if memory is None:
            r2 = x0.new_full((len(x0),), a.nsr**2)
        else:
            r2 = stein_variance(memory.noise, x0 - memory.x0, memory.std, a, self.group)
        operator, noise = linear_operator(problem, "Selection"), noise_variance(problem)
        mean, evidence = explain(operator, x0, problem.y, noise, r2)
        if self.group > 1 and memory is not None and memory.log_weights is not None:
            rows, log_weights = self._select(memory.log_weights + evidence, b.sigma == 0, rng)
            x, x0, mean = x[rows], x0[rows], mean[rows]
        drawn = operator.posterior_sample(x0, problem.y, problem.sigma, r2, rng)
        if b.sigma == 0:
            return drawn * b.alpha, drawn, None
        kept = (b.nsr / a.nsr) ** 2
        middle = x * (kept * b.alpha / a.alpha) + drawn * ((1 - kept) * b.alpha)
        state, trail = _shake(middle, x0, b.sigma * (1 - kept) ** 0.5, rng)
        if self.group > 1:
            got = b.nsr**-2 - a.nsr**-2  # precision with which the move shows x0
            shown = (state / b.alpha - x * (kept / a.alpha)) / (1 - kept)
            forecast, r2 = x0.lerp(shown, column(got / (got + 1 / r2), x0)), 1 / (got + 1 / r2)
            log_weights = log_weights - explain(operator, forecast, problem.y, noise, r2)[1]
        return state, mean, trail._replace(log_weights=log_weights)

    def _select(self, log_weights: Tensor, always: bool, rng: Rng) -> tuple[Tensor, Tensor]:
        """Rows (B,) of those that live on, and the log-weights (B,) that they have left."""
        count = self.group
        weights = log_weights.view(-1, count).softmax(1)
        offset = rng.uniform((len(rng), 1), widest(rng.device))[::count]  # one per group
        least = count if always else self.threshold * count
        tired = 1 / weights.square().sum(1, keepdim=True) <= least
        same = torch.arange(count, device=weights.device)
        rows = torch.where(tired, systematic(weights, offset), same)
        return flat(rows), torch.where(tired, 0.0, weights.log()).flatten()


def _shake(x: Tensor, x0: Tensor, std: float, rng: Rng) -> tuple[Tensor, Trail]:
    """The state with noise added, and the trail of that."""
    noise = rng.normal(x.shape)
    return x.add(noise, alpha=std), Trail(x0, noise, std, None)


def _even(x: Tensor) -> Tensor:
    return torch.zeros(len(x), dtype=widest(x.device), device=x.device)
