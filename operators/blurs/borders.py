"""What a convolution sees beyond the border of an image, and the exact adjoint of that."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from operators.core import fft

TORCH = {"zero": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
PADDINGS = (*TORCH, "symmetric", "valid")
FOLDED = ("reflect", "symmetric", "replicate")  # what is added repeats pixels of the image


def known(owner: str, padding: str) -> str:
    """`padding`, or a ValueError that lists the right ones."""
    if padding not in PADDINGS:
        raise ValueError(f"{owner}: padding must be one of {', '.join(PADDINGS)}, got {padding!r}")
    return padding


def extend(x: Tensor, padding: str, reach: Sequence[int]) -> Tensor:
    """Pad (..., H, W) by reach = (i, j) rows and columns on each side; "valid" adds nothing."""
    if padding == "valid":
        return x
    if padding != "symmetric":
        return pad(x, (reach[1], reach[1], reach[0], reach[0]), TORCH[padding])
    for dim, r in ((-2, reach[0]), (-1, reach[1])):
        n = x.shape[dim]
        ends = (x.narrow(dim, start, r).flip(dim) for start in (0, n - r))
        x = torch.cat([next(ends), x, next(ends)], dim)
    return x


def fold(x: Tensor, padding: str, reach: Sequence[int]) -> Tensor:
    """The adjoint of `extend`, for the paddings in FOLDED."""
    for dim, r in ((-2, reach[0]), (-1, reach[1])):
        n = x.shape[dim] - 2 * r
        head, tail = x.narrow(dim, 0, r), x.narrow(dim, n + r, r)
        x = x.narrow(dim, r, n).clone()
        if padding == "replicate":
            x.narrow(dim, 0, 1).add_(head.sum(dim, keepdim=True))
            x.narrow(dim, n - 1, 1).add_(tail.sum(dim, keepdim=True))
        else:
            skip = int(padding == "reflect")
            x.narrow(dim, skip, r).add_(head.flip(dim))
            x.narrow(dim, n - r - skip, r).add_(tail.flip(dim))
    return x


class Border:
    """How an image of `sides` (H, W) is extended for a kernel of sides (h, w), by FFT throughout.

    A row a b c d, extended by two:

        zero        0 0 | a b c d | 0 0
        reflect     c b | a b c d | c b    torch "reflect", scipy "mirror" (whole-sample symmetry)
        symmetric   b a | a b c d | d c    numpy "symmetric", scipy "reflect" (half-sample)
        replicate   a a | a b c d | d d    torch "replicate", scipy "nearest"
        circular    c d | a b c d | a b    scipy "wrap"
        valid       nothing is added; out_sides are (H - h + 1, W - w + 1)

    The convolution is measure(transfer(kernel) * spectrum(x)) and its adjoint
    spectrum_t(transfer(kernel).conj() * measure_t(y)). The transform's sides are the next fast
    ones that keep its wrap-around out of what is measured.
    """

    def __init__(
        self, owner: str, padding: str, sides: Sequence[int], kernel: Sequence[int]
    ) -> None:
        from scipy.fft import next_fast_len

        self.padding, self.reach = known(owner, padding), [k // 2 for k in kernel]
        both, folded = [2 * r for r in self.reach], padding in FOLDED
        less = both if padding == "valid" else [0, 0]
        self.out_sides = [n - r for n, r in zip(sides, less, strict=True)]
        more = both if folded else self.reach if padding == "zero" else [0, 0]
        self._kept = [n + r * folded for n, r in zip(sides, both, strict=True)]
        self.fft_sides = [
            n if padding == "circular" else int(next_fast_len(n + r, real=True) or n)
            for n, r in zip(sides, more, strict=True)
        ]
        # where in the full convolution the first measured pixel stands
        self._first = both if folded or padding == "valid" else self.reach

    def transfer(self, kernel: Tensor) -> Tensor:
        """The transform of a kernel: (..., h, w) -> (..., N, M/2 + 1), complex."""
        full = kernel.new_zeros(*kernel.shape[:-2], *self.fft_sides)
        full[..., : kernel.shape[-2], : kernel.shape[-1]] = kernel
        return fft.rfft2(full.roll([-n for n in self._first], (-2, -1)))

    def spectrum(self, x: Tensor) -> Tensor:
        """The transform of the extended image: (..., H, W) -> (..., N, M/2 + 1)."""
        x = extend(x, self.padding, self.reach) if self.padding in FOLDED else x
        return fft.rfft2(x, self.fft_sides)

    def measure(self, z: Tensor) -> Tensor:
        """What is measured of a product of transforms: (..., N, M/2 + 1) -> `(..., *out_sides)`."""
        return self._crop(z, self.out_sides)

    def measure_t(self, y: Tensor) -> Tensor:
        """Together with `spectrum_t` the adjoint: `(..., *out_sides)` -> (..., N, M/2 + 1)."""
        return fft.rfft2(y, self.fft_sides)

    def spectrum_t(self, z: Tensor) -> Tensor:
        """The adjoint of `spectrum`: (..., N, M/2 + 1) -> (..., H, W)."""
        x = self._crop(z, self._kept)
        return fold(x, self.padding, self.reach) if self.padding in FOLDED else x

    def _crop(self, z: Tensor, sides: Sequence[int]) -> Tensor:
        full = fft.irfft2(z, self.fft_sides)
        return full[..., : sides[0], : sides[1]].contiguous()
