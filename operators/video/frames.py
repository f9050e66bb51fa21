"""Video in time: fewer frames than there were, by means and by selection."""

from collections.abc import Sequence

import torch
from torch import Tensor

from operators.core.operator import as_shape
from operators.core.spectral import SpectralOperator
from operators.solve import column


class TemporalAverage(SpectralOperator):
    """Takes the means over `factor` frames in a row (a long exposure).

    (C, T, H, W) -> (C, T/f, H, W); `A A^T = I / f`, so `s = 1 / sqrt(f)`.

    Raises:
        ValueError: where the factor does not divide T.
    """

    def __init__(self, video_shape: Sequence[int], factor: int) -> None:
        shape, factor = video_and_factor("TemporalAverage", video_shape, factor)
        channels, frames, *sides = shape
        if frames % factor:
            raise ValueError(
                f"TemporalAverage: factor {factor} must divide the {frames} frames of the video"
            )
        self.factor = factor
        s = torch.full((1, 1, 1, 1, 1), factor**-0.5, dtype=torch.float64)
        out = (channels, frames // factor, *sides)
        super().__init__(shape, out, s, v_complete=factor == 1)

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = u

    def v(self, z: Tensor) -> Tensor:
        return self._spread(z * self.factor**-0.5)

    def vt(self, x: Tensor) -> Tensor:
        return self._forward(x) * self.factor**0.5

    def _forward(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (-1, self.factor)).mean(3)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._spread(y * (1 / self.factor))

    def _pinv(self, y: Tensor) -> Tensor:
        return self._spread(y)

    def picture(self, y: Tensor) -> Tensor:
        """The frames side by side, (B, C, H, T * W)."""
        return side_by_side(y)

    def _spread(self, y: Tensor) -> Tensor:
        return y.repeat_interleave(self.factor, 2)


class FrameSkip(SpectralOperator):
    """Keeps every `factor`-th frame, from the first.

    (C, T, H, W) -> (C, ceil(T/f), H, W); `A A^T = I`.

    Raises:
        ValueError: for a factor that is no positive integer.
    """

    pointwise = True

    def __init__(self, video_shape: Sequence[int], factor: int) -> None:
        shape, self.factor = video_and_factor("FrameSkip", video_shape, factor)
        channels, frames, *sides = shape
        out = (channels, -(-frames // self.factor), *sides)
        s = torch.ones(1, 1, 1, 1, 1, dtype=torch.float64)
        super().__init__(shape, out, s, v_complete=frames == out[1])

    def u(self, z: Tensor) -> Tensor:
        return z

    ut = u

    def v(self, z: Tensor) -> Tensor:
        return self._put(z.new_zeros(len(z), *self.in_shape), z)

    def vt(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.factor].clone()

    _forward = vt
    _adjoint = _pinv = v

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        lam = column(lam, b)
        return self._put(b / lam, b[:, :, :: self.factor] / (1 + lam))

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        kept = x[:, :, :: self.factor]
        return self._put(x, kept + (y - kept) * (1 / (1 + column(lam, y))))

    def picture(self, y: Tensor) -> Tensor:
        """The frames side by side, (B, C, H, T * W)."""
        return side_by_side(y)

    def _put(self, x: Tensor, kept: Tensor) -> Tensor:
        return x.slice_scatter(kept, 2, step=self.factor)


def side_by_side(video: Tensor) -> Tensor:
    """A video (B, C, T, H, W) as one picture, (B, C, H, T * W)."""
    return video.movedim(2, 3).flatten(3)


def video_and_factor(name: str, shape: Sequence[int], factor: int) -> tuple[tuple[int, ...], int]:
    """The shape of a video and a whole number of frames, or a ValueError naming the owner."""
    values = tuple(shape)
    if len(values) != 4:
        raise ValueError(f"{name}: video_shape must be (C, T, H, W), got {values}")
    (factor,) = as_shape(name, "factor", [factor])
    return as_shape(name, "video_shape", values), factor


def temporal_average(video_shape: Sequence[int], factor: int = 4) -> TemporalAverage:
    """Long exposures of `factor` frames each."""
    return TemporalAverage(video_shape, factor)


def frame_skip(video_shape: Sequence[int], factor: int = 2) -> FrameSkip:
    """Only every `factor`-th frame is there."""
    return FrameSkip(video_shape, factor)
