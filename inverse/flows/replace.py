"""Replacement: what the data say of the state takes the place of what the state says itself."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from inverse.denoise import LINEAR, DataFlow, Evaluation, Needs, linear_operator
from inverse.levels import Level


class Replace(DataFlow):
    """Replaces what is measured by the data, noised to the state's own level.

    `x <- x + A^+ (alpha y + sigma A n - A x)`.

    On a mask, `mask (alpha y + sigma n) + (1 - mask) x`. With a `lowpass` factor N it is
    `x <- x + P (alpha A^+ y + sigma n - x)`, P the (antialiased, bicubic) reduction to 1 / N of
    the size and back. It is a projection, not a rate: it takes the state as it is after the prior's
    flow (`Process`'s `project`, or a splitting that ends with the data) and ignores a, b and
    fraction. The noise of y itself is ignored, as published.

    Reference: Song et al., 2021, arXiv:2011.13456, Appendix I.2; Choi et al., 2021,
    arXiv:2108.02938, Alg. 1 (`lowpass`).

    Args:
        lowpass: N, or None for the whole row space of the operator.
        until: noise-to-signal ratio from which on down nothing is replaced; None: all is.
        requires: what the method at hand asks of the problem, where that is more than LINEAR.

    Raises:
        ValueError: for a factor below 1 or a negative `until`.
        Unfit: for a nonlinear operator.
    """

    def __init__(
        self,
        lowpass: int | None = None,
        until: float | None = None,
        requires: Needs = frozenset({LINEAR}),
    ) -> None:
        if (lowpass is not None and lowpass < 1) or (until is not None and until < 0):
            raise ValueError(
                f"Replace: need lowpass >= 1 and until >= 0 (or None), got {lowpass} and {until}"
            )
        self.lowpass, self.until, self.requires = lowpass, until, requires

    def __call__(self, ev: Evaluation, a: Level, b: Level, fraction: float) -> Tensor:
        (alpha, sigma), y = ev.level, ev.problem.y
        if self.until is not None and ev.level.nsr <= self.until:
            return ev.x.new_zeros(()).expand_as(ev.x)
        operator, x = linear_operator(ev.problem, "Replace"), ev.x
        if sigma > 0:
            x = torch.sub(x, ev.rng.normal(x.shape), alpha=sigma)
        if self.lowpass is None:
            return operator.pinv(alpha * y - operator(x)) / alpha
        return reduced(alpha * operator.pinv(y) - x, self.lowpass) / alpha


def reduced(x: Tensor, factor: int) -> Tensor:
    """An image (B, C, H, W) at 1 / factor of its size, at least one pixel, and back again.

    Bicubic and antialiased; beyond its borders the image is mirrored.
    """
    sides = x.shape[-2:]
    small = [max(1, round(side / factor)) for side in sides]
    return _resized(_resized(x, small), sides)


def _resized(x: Tensor, sides: Sequence[int]) -> Tensor:
    for dim in (-2, -1):
        x = torch.cat([x.flip(dim), x, x.flip(dim)], dim)
    height, width = sides
    whole = interpolate(x, (3 * height, 3 * width), mode="bicubic", antialias=True)
    return whole[..., height : 2 * height, width : 2 * width]
