"""Impulse noise: some values are lost to black or white."""

from torch import Tensor

from operators.core.parameters import Values, parameter
from operators.core.random import Rng
from operators.problem.noise.law import Noise
from operators.solve import column


class SaltAndPepper(Noise):
    """Turns values black or white at random, and adds Gaussian noise to the others.

    `y` is -1 or 1 with probability fraction / 2 each, else `A x + background n`, `n ~ N(0, 1)`;
    every value is hit independently. `sigma` is the standard deviation at mid-grey, `sqrt(fraction
    + (1 - fraction) background^2)`. Least squares with it blurs everything: better tell the solver
    which values were hit, as `Problem(Inpaint(shape, y.abs() != 1) @ A, Gaussian(background), y)`.

    Args:
        fraction: in [0, 1], a float or one per sample, (B,).
        background: the standard deviation of the Gaussian noise on what was not hit, 0 or more,
            likewise.

    Raises:
        ValueError: for parameters out of range.
    """

    def __init__(self, fraction: Values, background: Values) -> None:
        self.fraction = parameter("SaltAndPepper", "fraction", fraction, high=1.0)
        self.background = parameter("SaltAndPepper", "background", background)

    @property
    def sigma(self) -> float | Tensor:
        return (self.fraction + (1 - self.fraction) * self.background**2) ** 0.5

    def sample(self, clean: Tensor, rng: Rng) -> Tensor:
        self.check(clean)
        fraction = column(self.fraction, clean)
        place = rng.uniform(clean.shape, clean.dtype)
        y = clean + column(self.background, clean) * rng.normal(clean.shape, clean.dtype)
        y = y.where(place >= fraction, clean.new_tensor(-1.0))
        return y.where(place >= fraction / 2, clean.new_tensor(1.0))

    def nll(self, clean: Tensor, y: Tensor) -> Tensor:
        """Half of `||y - clean||^2 / background^2` per sample, (B,), over what was not hit.

        This is exact: a value of exactly -1 or 1 has been hit (Gaussian noise gives that one with
        probability 0), which has the same probability for every clean. It is the density
        with respect to the Lebesgue measure plus two atoms at -1 and 1.

        Raises:
            ValueError: for the float background = 0, where y - clean is 0 or nothing is known.
        """
        self.check(clean)
        if isinstance(self.background, float) and self.background == 0:
            raise ValueError("SaltAndPepper: without background noise there is no likelihood")
        rest = (y - clean) / column(self.background, clean)
        return rest.where(y.abs() != 1, 0.0).square().flatten(1).sum(1) / 2


def salt_and_pepper(fraction: Values, background: Values) -> SaltAndPepper:
    """A fraction of the values is black or white, the others have Gaussian noise."""
    return SaltAndPepper(fraction, background)
