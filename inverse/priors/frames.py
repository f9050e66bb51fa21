"""A prior of pictures on clips, frame by frame."""

from torch import Tensor

from inverse.denoise import Denoiser, Estimate, Needs, estimate
from inverse.levels import Level
from operators import Problem, Rng


class Frames(Denoiser):
    """Each frame of a clip (B, C, T, H, W) by a prior of pictures (C, H, W).

    A picture (B, C, H, W) is a clip of one frame. All T frames go through the network in one
    batch, which counts as T calls. Each clip has one random stream, from which its frames draw one
    after the other.

    The prior knows nothing of motion; what makes frames agree is the measurement, noise that they
    share (`Coherent`) and a data step along the motion (`TemporalProx`).

    Args:
        prior: of pictures.
    """

    def __init__(self, prior: Denoiser) -> None:
        super().__init__()
        self.prior = prior

    @property
    def requires(self) -> Needs:
        return self.prior.requires

    def forward(self, x: Tensor, level: Level, problem: Problem, rng: Rng) -> Estimate:
        if x.ndim == 4:
            return self.prior(x, level, problem, rng)
        frames = x.shape[2]
        pictures = x.movedim(2, 1).flatten(0, 1)
        x0 = self.prior(pictures, level, problem, rng.each(frames)).x0
        return estimate(x, x0.unflatten(0, (-1, frames)).movedim(1, 2).contiguous(), level)
