"""A prior of pictures on clips, frame by frame."""

from collections.abc import Callable

from torch import Tensor

from inverse.denoise import Denoiser, Estimate, Needs, estimate
from inverse.levels import Level
from inverse.priors.autoencoder import Autoencoder, IdentityAutoencoder
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
        draws = rng.each(x.shape[2])
        x0 = _by_frames(lambda pictures: self.prior(pictures, level, problem, draws).x0, x)
        return estimate(x, x0, level)


def frames_encoded(autoencoder: Autoencoder) -> Autoencoder:
    """An autoencoder of pictures as one of clips, frame by frame, which still takes pictures."""
    known = IdentityAutoencoder, FramesAutoencoder
    return autoencoder if isinstance(autoencoder, known) else FramesAutoencoder(autoencoder)


class FramesAutoencoder(Autoencoder):
    """Each frame of a clip (B, C, T, H, W), or a picture, by an autoencoder of pictures."""

    def __init__(self, inner: Autoencoder) -> None:
        super().__init__()
        self.inner, self.factor = inner, inner.factor

    def latent_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        channels, *time, height, width = shape
        channels, *sides = self.inner.latent_shape((channels, height, width))
        return channels, *time, *sides

    def encode(self, x: Tensor) -> Tensor:
        return _by_frames(self.inner.encode, x)

    def decode(self, z: Tensor) -> Tensor:
        return _by_frames(self.inner.decode, z)


def _by_frames(call: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A function of pictures on every frame of clips, all in one batch; on pictures as it is."""
    if x.ndim == 4:
        return call(x)
    frames = call(x.movedim(2, 1).flatten(0, 1))
    return frames.unflatten(0, (-1, x.shape[2])).movedim(1, 2).contiguous()
