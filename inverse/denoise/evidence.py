"""What an estimate of the image tells: how far off it is, and how well it explains the data."""

from torch import Tensor

from inverse.denoise.linear import linear_operator, noise_variance, squares
from inverse.levels import Level
from operators import Problem


def stein_variance(noise: Tensor, change: Tensor, std: float, level: Level, group: int) -> Tensor:
    """Variance of x0 given x, per value and white, (B,); the mean over each group of samples.

    Tweedie: ``r^2 = sigma^2 / alpha tr J / d`` with J the Jacobian of the estimate D. Stein:
    ``E[n . D(c + std n)] = std E[tr J]``. So the noise n that was last added to a state and the
    change of the estimate that came with it are enough. The mean is not taken to lie below its
    standard error, nor r^2 above nsr^2, which a flat prior has.

    Args:
        noise, change: n and D(c + std n) less anything that does not depend on n, (B, C, H, W).
        group: how many consecutive samples are averaged over.

    Reference: Stein, 1981, doi:10.1214/aos/1176345632; Efron, 2011, doi:10.1198/jasa.2011.tm11181.
    """
    product = (noise * change).view(len(noise) // group, -1)
    error = product.std(1, correction=0) / product.shape[1] ** 0.5
    slope = product.mean(1).maximum(error) / std
    most = level.nsr**2
    r2 = (slope * (level.sigma**2 / level.alpha)).clamp(1e-6 * most, most)
    return r2.repeat_interleave(group)


def explain(x0: Tensor, r2: Tensor, problem: Problem) -> tuple[Tensor, Tensor]:
    """The mean of x given y for ``x ~ N(x0, r^2 I)``, and ``log N(y; A x0, r^2 A A^T + s^2 I)``.

    The logarithm (B,) leaves out what does not depend on x0: it is ``-1/2 min_x ||y - A x||^2 /
    s^2 + ||x - x0||^2 / r^2``, in which nothing cancels. r2: (B,).

    Raises:
        Unfit: for an operator that is not linear.
    """
    noise = noise_variance(problem)
    mean = linear_operator(problem, "evidence").prox(x0, problem.y, noise / r2)
    misfit = squares(problem.residual(mean)) / noise
    return mean, -0.5 * (misfit + squares(mean - x0) / r2)
