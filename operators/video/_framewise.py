"""Video: an image operator on every frame."""

from collections.abc import Callable
from typing import overload

import torch
from torch import Tensor

from operators.core.linear import LinearOperator
from operators.core.operator import Operator, Shape, adopt, as_shape
from operators.video.frames import side_by_side


class Framewise(Operator):
    """Applies one operator to every frame of a video.

    `y_t = A(x_t)`: (C, T, ...) -> (C', T, ...), the frames on the second axis. Parameters of A that
    are one per sample hold for all frames of a sample; with `per_frame` they are one per frame (a
    mask that moves), the same for all samples.

    Args:
        frames: T.

    Raises:
        ValueError: where there are not T of the parameters per frame.
    """

    inner: Operator

    def __init__(self, inner: Operator, frames: int, per_frame: bool = False) -> None:
        (frames,) = as_shape(self.name, "frames", [frames])
        if per_frame and inner.batch != frames:
            raise ValueError(
                f"{self.name} of {inner!r}: per_frame takes {frames} parameters, one per frame, "
                f"but it has {inner.batch or 'one for all'}"
            )
        first, *rest = inner.in_shape
        last, *others = inner.out_shape
        super().__init__((first, frames, *rest), (last, frames, *others))
        adopt(self, inner=inner)
        self.frames, self.per_frame = frames, per_frame
        if per_frame:
            self.batch = None
            self.count(torch.as_tensor(inner.measured).expand(frames).sum()[None])

    def _forward(self, x: Tensor) -> Tensor:
        return self._each(self.inner._forward, self.out_shape, x)

    def _vjp(self, x: Tensor, v: Tensor) -> Tensor:
        return self._each(self.inner._vjp, self.in_shape, x, v)

    def _jvp(self, x: Tensor, v: Tensor) -> Tensor:
        return self._each(self.inner._jvp, self.out_shape, x, v)

    def support(self, y: Tensor) -> Tensor:
        return self._each(self.inner.support, self.out_shape, y)

    @property
    def measured(self) -> int | Tensor:
        return self.inner.measured * self.frames if self.counts is None else self.counts

    def picture(self, y: Tensor) -> Tensor:
        """The frames side by side, (B, c, h, T * w)."""
        return side_by_side(self._each(self.inner.picture, self.out_shape, y))

    def _each(
        self, call: Callable[..., Tensor], shape: Shape, video: Tensor, *others: Tensor | float
    ) -> Tensor:
        """Call on every frame of videos (B, C, T, ...), and with numbers, also one per sample."""
        if not len(video):
            return video.reshape(0, *shape)
        given = (video, *others)
        if self.per_frame:
            videos = [call(*[_of_sample(arg, i) for arg in given]) for i in range(len(video))]
            return torch.stack(videos).movedim(1, 2).contiguous()
        if self.inner.batch is not None:
            frames = [call(*[_of_frame(arg, t) for arg in given]) for t in range(self.frames)]
            return torch.stack(frames, 2)
        folded = call(*[_folded(arg, self.frames) for arg in given])
        return folded.unflatten(0, (-1, self.frames)).movedim(1, 2).contiguous()


class FramewiseLinear(Framewise, LinearOperator):
    """Applies one linear operator to every frame: all solves are its own. See `Framewise`."""

    inner: LinearOperator

    def __init__(self, inner: LinearOperator, frames: int, per_frame: bool = False) -> None:
        super().__init__(inner, frames, per_frame)
        self.closed_form = inner.closed_form

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._each(self.inner._adjoint, self.in_shape, y)

    def _gram(self, x: Tensor) -> Tensor:
        return self._each(self.inner._gram, self.in_shape, x)

    def _gram_solve(self, b: Tensor, lam: float | Tensor) -> Tensor:
        return self._each(self.inner._gram_solve, self.in_shape, b, lam)

    def _pinv(self, y: Tensor) -> Tensor:
        return self._each(self.inner._pinv, self.in_shape, y)

    def _prox(self, x: Tensor, y: Tensor, lam: float | Tensor) -> Tensor:
        return self._each(self.inner._prox, self.in_shape, x, y, lam)

    def _norm(self) -> float:
        return self.inner._norm()

    @property
    def T(self) -> LinearOperator:  # noqa: N802
        return FramewiseLinear(self.inner.T, self.frames, self.per_frame)

    def __mul__(self, factor: float) -> LinearOperator:
        return FramewiseLinear(self.inner * factor, self.frames, self.per_frame)

    __rmul__ = __mul__


def _folded(arg: Tensor | float, frames: int) -> Tensor | float:
    if not isinstance(arg, Tensor) or arg.ndim == 0:
        return arg
    if arg.ndim == 1:
        return arg[:, None].expand(-1, frames).reshape(-1)
    return arg.movedim(2, 1).flatten(0, 1)


def _of_frame(arg: Tensor | float, t: int) -> Tensor | float:
    return arg[:, :, t] if isinstance(arg, Tensor) and arg.ndim > 1 else arg


def _of_sample(arg: Tensor | float, i: int) -> Tensor | float:
    if not isinstance(arg, Tensor) or arg.ndim == 0:
        return arg
    return arg[i] if arg.ndim == 1 else arg[i].movedim(1, 0)


@overload
def framewise(
    operator: LinearOperator, frames: int, per_frame: bool = False
) -> FramewiseLinear: ...
@overload
def framewise(operator: Operator, frames: int, per_frame: bool = False) -> Framewise: ...
def framewise(operator: Operator, frames: int, per_frame: bool = False) -> Framewise:
    """One operator on every frame of videos (C, frames, ...). See `Framewise`."""
    if isinstance(operator, LinearOperator):
        return FramewiseLinear(operator, frames, per_frame)
    return Framewise(operator, frames, per_frame)
