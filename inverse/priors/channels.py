"""A prior of colour pictures on pictures of any number of channels, each by itself."""

import torch
from torch import Tensor

from inverse.denoise import Denoiser, ErrorSpectrum, Estimate, Field, Need, Needs, estimate
from inverse.levels import Level
from operators import Problem, Rng


class Channels(Denoiser):
    """Each channel g of a picture (B, C, H, W) as the grey picture (g, g, g) of a colour prior.

    A grey picture has C = 1, a complex one two, its real and imaginary part; all C go through the
    network in one batch, which counts as C calls. With x the state of g at `(alpha, sigma)`,
    `x + sqrt(3) sigma (n - mean n)`, n white noise of three colours drawn anew, is a state of
    (g, g, g) at `(alpha, sqrt(3) sigma)` whose mean over colours is x; the estimate is the mean
    over colours of the prior's. A state that is only repeated has the same noise in all colours,
    which a colour prior takes for the picture. So with noise that differs from value to value.

    Statistically the channels are independent, and each is what a grey photograph is: what links
    the real to the imaginary part, or one band to the next, is left to the data.

    Args:
        prior: of pictures of `width` equal channels: 3 of colour, 1 of a grey network.
    """

    def __init__(self, prior: Denoiser, width: int = 3) -> None:
        super().__init__()
        self.prior, self.width = prior, width

    @property
    def requires(self) -> Needs:
        return self.prior.requires

    @property
    def errors(self) -> ErrorSpectrum | None:
        """Of grey pictures: a `1 / width` of the brightness' at the network's own level."""
        table = getattr(self.prior, "errors", None)
        if table is None:
            return None
        nsrs, brightness = table.nsrs / self.width**0.5, table.variances[:, :1]
        return ErrorSpectrum(nsrs.tolist(), table.frequencies.tolist(), brightness / self.width)

    @property
    def coordinates(self) -> Need:
        return self.prior.coordinates

    def forward(self, x: Tensor, level: Level | Field, problem: Problem, rng: Rng) -> Estimate:
        (count, channels, *sides), width = x.shape, self.width
        grey, rng = x.reshape(count * channels, 1, *sides), rng.each(channels)
        own, sigma = self._own(x, level)
        state = grey
        if width > 1:
            noise = rng.normal((len(grey), width, *sides))
            state = grey + sigma * (noise - noise.mean(1, keepdim=True))
        found = self.prior(state, own, problem, rng)  # pyright: ignore[reportArgumentType]
        x0 = found.x0.mean(1, keepdim=True).view_as(x)
        return level.estimate(x, x0) if isinstance(level, Field) else estimate(x, x0, level)

    def _own(self, x: Tensor, level: Level | Field) -> tuple[Level | Field, float | Tensor]:
        """What the prior is told, and the standard deviation of the noise drawn anew."""
        grows = self.width**0.5
        if isinstance(level, Level):
            own = Level(level.alpha, grows * level.sigma)
            return own, own.sigma
        nsr = grows * level.pixels(x).reshape(-1, 1, *x.shape[2:])
        told = Field(nsr.expand(-1, self.width, *x.shape[2:]))
        return told, torch.where(nsr.isfinite(), nsr, 0.0)
