"""A data step on images, taken by latents."""

from torch import Tensor

from inverse.denoise import DataStep
from inverse.levels import Level
from inverse.priors.autoencoder import Autoencoder
from operators import Problem, Rng


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
