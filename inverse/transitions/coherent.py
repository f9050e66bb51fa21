"""Noise that the frames of a clip share, or that moves with them."""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor

from inverse.denoise import Move, Transition
from inverse.images.motion import sources
from operators import Rng


class Coherent(Transition[Any]):
    """A transition whose noise the frames of a clip (B, C, T, H, W) share, or carry along.

    `n_t = sqrt(rho) w_t + sqrt(1 - rho) n'_t`, with w_t the same in all frames or, given the
    `motion`, moved with it; n'_t is every frame's own.

    So what a prior makes of noise agrees from frame to frame; each frame still sees white noise of
    its level. What no frame measures comes out the same in all draws of a still clip: shared noise
    gives up the spread of the posterior there.

    Args:
        rule: the transition. Its draws for the data are not touched, only those of its state.
        rho: the share of the noise's variance that frames have in common; 0: none, as if each
            frame were a picture of its own.
        motion: of each pixel, see `inverse.images.motion.sources`; None: the clip is still.

    References: Kwon and Ye, 2025, arXiv:2409.02574 (shared noise); Chang et al., 2024,
    arXiv:2504.03072 (noise that is carried and stays white).

    Raises:
        ValueError: for a rho outside [0, 1].
    """

    def __init__(self, rule: Transition, rho: float = 1.0, motion: Tensor | None = None) -> None:
        if not 0 <= rho <= 1:
            raise ValueError(f"Coherent: rho must be in [0, 1], got {rho}")
        self.rule, self.rho, self.motion = rule, rho, motion
        self.eta, self.requires = rule.eta, rule.requires

    def init(self) -> Any:
        return self.rule.init()

    def step(self, move: Move, memory: Any) -> tuple[Tensor, Any]:
        return self.rule.step(move._replace(rng=self.draws(move.rng)), memory)

    def draws(self, rng: Rng) -> Rng:
        """The streams, whose normal draws of clips' size are coherent."""
        return _Together.of_clips(rng, self.rho, self.motion)


class _Together(Rng):
    """Streams whose draws of 5 axes are coherent along the third."""

    rho: float
    motion: Tensor | None

    @classmethod
    def of_clips(cls, rng: Rng, rho: float, motion: Tensor | None) -> Self:
        made = cls.__new__(cls)
        made.__dict__.update(rng.__dict__, rho=rho, motion=motion)
        return made

    def normal(self, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
        if len(shape) != 5:
            return super().normal(shape, dtype)
        if self.rho == 0:
            return self._frames(shape, shape[2], dtype)
        if self.motion is None:  # first, so that it does not depend on how many frames there are
            common = self._frames(shape, 1, dtype).expand(shape)
        else:
            common = carried(self._frames(shape, shape[2], dtype), self.motion)
        if self.rho == 1:
            return common.contiguous()
        own = self._frames(shape, shape[2], dtype)
        return own.mul_((1 - self.rho) ** 0.5).add_(common, alpha=self.rho**0.5)

    def _frames(self, shape: Sequence[int], count: int, dtype: torch.dtype | None) -> Tensor:
        """Draws (B, C, count, H, W), frame after frame, as `rng.each(count)` draws pictures."""
        batch, channels, _, *sides = shape
        drawn = super().normal((batch, count, channels, *sides), dtype)
        return drawn.movedim(1, 2).contiguous()


def carried(noise: Tensor, motion: Tensor) -> Tensor:
    """White noise of clips (B, C, T, H, W) that moves with them and stays white in every frame.

    Pixel p of frame t takes the noise that pixel `p - motion_t(p)`, to the nearest whole pixel,
    has in frame t - 1; where that lies outside, or another pixel of frame t has taken it, p keeps
    its own. No two pixels share a value, so each frame is as white as `noise`.

    Args:
        motion: see `sources`.
    """
    frames, height, width = noise.shape[2:]
    source = sources(motion, frames, height, width)
    flat, count = noise.flatten(3), height * width
    here = torch.arange(count, device=noise.device)
    out = [flat[:, :, 0]]
    for t in range(1, frames):
        place = source[t]
        first = torch.full((count + 1,), count, device=noise.device)
        first.scatter_reduce_(0, place, here, "amin")  # the first to ask; `count` is outside
        takes = (place < count) & (first[place] == here)
        moved = out[-1][..., place.clamp_max(count - 1)]
        out.append(torch.where(takes, moved, flat[:, :, t]))
    return torch.stack(out, 2).view(noise.shape)
