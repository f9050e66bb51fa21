"""Data steps by a solve: a compromise, a projection, an exact draw; and any step on latents."""

from torch import Tensor

from inverse.denoise import LINEAR, DataStep, linear_operator, matched_variance, noise_variance
from inverse.levels import Level
from inverse.priors.autoencoder import Autoencoder
from operators import Problem, Rng

TOLERANCE = 1e-3  # of a solve: on a brain of 8 coils within 0.04 deviations of the posterior


class Prox(DataStep):
    """The image that fits the estimate and the data best, each by its own uncertainty.

    `argmin_x ||y - A x||^2 / (2 sigma_y^2) + ||x - x0||^2 / (2 r^2)`, `r^2 = nsr^2 / lam`.

    With a `data_variance` v, of the images themselves, `r^2 = nsr^2 / (1 + nsr^2 / v) / lam`.

    This is the posterior mean when x0 given the state is Gaussian of variance r^2; closed form
    wherever the operator has a closed-form `gram_solve`, else by CG to a residual of 1e-3.

    Reference: Zhu et al., 2023, arXiv:2305.08995, eq. 11 (DiffPIR), lam as there.

    Raises:
        ValueError: if `lam` is not positive.
        TypeError: for a nonlinear operator.
    """

    requires = frozenset({LINEAR})

    def __init__(self, lam: float = 1.0, data_variance: float | None = None) -> None:
        if lam <= 0:
            raise ValueError(f"Prox: lam must be positive, got {lam}")
        self.lam, self.data_variance = lam, data_variance

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        operator = linear_operator(problem, "Prox")
        variance = matched_variance(level, self.data_variance)
        weight = noise_variance(problem) * (self.lam / variance)
        return operator.prox(x0, problem.y, weight, TOLERANCE)


class Project(DataStep):
    """The nearest image that reproduces the data exactly.

    `x0 + A^+ (y - A x0)`.

    Reference: Wang et al., 2022, arXiv:2212.00490, eq. 13 (DDNM); for noiseless data.

    Raises:
        TypeError: for a nonlinear operator.
    """

    requires = frozenset({LINEAR})

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        operator = linear_operator(problem, "Project")
        return x0 + operator.pinv(problem.residual(x0))


class Sample(DataStep):
    """A draw of `z ~ exp(-||y - A z||^2 / (2 sigma_y^2) - ||z - x0||^2 / (2 r^2))`.

    r as in `Prox`, whose result is the mean of this Gaussian. Exact, by perturbing and solving
    (`LinearOperator.posterior_sample`), without noise too; by CG as in `Prox`.

    Reference: Wu et al., 2024, arXiv:2405.18782 (the likelihood step of PnP-DM).

    Raises:
        ValueError: if `lam` is not positive.
        Unfit: for a nonlinear operator.
    """

    requires = frozenset({LINEAR})

    def __init__(self, lam: float = 1.0, data_variance: float | None = None) -> None:
        if lam <= 0:
            raise ValueError(f"Sample: lam must be positive, got {lam}")
        self.lam, self.data_variance = lam, data_variance

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        operator = linear_operator(problem, "Sample")
        r2 = matched_variance(level, self.data_variance) / self.lam
        return operator.posterior_sample(x0, problem.y, problem.sigma, r2, rng, TOLERANCE)


class Lift(DataStep):
    """A data step on images, for estimates in latents: decode, let the data in, encode.

    `z0' = E(step(D(z0)))`.

    With `keep` it is `z0 + E(step(x)) - E(x)`, `x = D(z0)`: what the autoencoder itself
    loses does not count, and where the step changes nothing z0 stays. One more encoding.

    Reference: Spagnoletti et al., 2025, arXiv:2503.12615, Alg. 1 (without `keep`).
    """

    def __init__(self, step: DataStep, autoencoder: Autoencoder, keep: bool = False) -> None:
        self.step, self.autoencoder, self.keep = step, autoencoder, keep
        self.requires = step.requires

    def __call__(self, x0: Tensor, level: Level, problem: Problem, rng: Rng) -> Tensor:
        x = self.autoencoder.decode(x0)
        moved = self.autoencoder.encode(self.step(x, level, problem, rng))
        return x0 + moved - self.autoencoder.encode(x) if self.keep else moved
