"""Coarse to fine: estimates at a fraction of the side while noise hides what that leaves out."""

from torch import Tensor
from torch.nn.functional import interpolate

from inverse.denoise import (
    LINEAR,
    Denoiser,
    Estimate,
    estimate,
    linear_operator,
    natural,
    noise_level,
    noise_variance,
)
from inverse.levels import Level
from operators import Downsample, Gaussian, Problem, Rng


class Coarse(Denoiser):
    """A denoiser of images of 1/f of the side as one of images: its calls cost 1/f^2.

    With M the means over f x f pixels and `U = f^2 M^T`, which spreads them again (`M U = I`), it
    is asked at the small image for

    `u = D(M x; alpha, sigma / f; y = A U u + e)`, and `x0 = prox(bicubic(u); y = A x0 + n)`,

    as M leaves white noise white, of 1/f of its deviation. What u cannot hold is the detail
    `d = (1 - U M) x0`; it is drawn with the spectrum of natural images (`natural`). The noise e of
    the small problem has the variance of n and the mean square of A d; bicubic(u) is trusted as far
    as the mean square of d goes. On its way up the estimate needs no noise of its own: it is clean.
    Where f does not divide the sides, D works on the image itself.

    Reference: Xu et al., 2025, arXiv:2509.15342 (LowDiff: small images first); Zhang et al., 2021,
    arXiv:2008.13751 (the prox).

    Args:
        small: the denoiser of small images.
        factor: f.

    Raises:
        ValueError: where f is below 1.
    """

    needs = frozenset({LINEAR})

    def __init__(self, small: Denoiser, factor: int) -> None:
        super().__init__()
        if factor < 1:
            raise ValueError(f"Coarse: factor must be a whole number above 0, got {factor}")
        self.small, self.factor = small, factor

    def share(self, problem: Problem) -> float:
        """What a call costs beside one on whole images: `1 / f^2`, or 1 where f does not fit."""
        fits = not any(side % self.factor for side in problem.operator.in_shape[1:])
        return self.factor**-2 if fits else 1

    def cost(self, level: Level) -> float:
        return self.small.cost(self._shrunk(level)) / self.factor**2

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        if self.share(problem) == 1:
            return self.small(x, level, problem, rng)
        operator = linear_operator(problem, "Coarse")
        means = Downsample(operator.in_shape, self.factor).to(x)
        spread = means.T * self.factor**2
        drawn = natural(rng.normal(x.shape))
        detail = drawn - spread(means(drawn))
        hidden = operator(detail).square().flatten(1).sum(1) / operator.measured
        noise = Gaussian((noise_level(problem) ** 2 + hidden) ** 0.5)
        small = Problem._with(operator @ spread, noise, problem.y)
        u = self.small(means(x), self._shrunk(level), small, rng).x0
        up = interpolate(u, scale_factor=self.factor, mode="bicubic")
        variance = detail.square().flatten(1).mean(1)
        return estimate(x, operator.prox(up, problem.y, noise_variance(problem) / variance), level)

    def _shrunk(self, level: Level) -> Level:
        return Level(level.alpha, level.sigma / self.factor)
