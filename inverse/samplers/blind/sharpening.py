"""The kernel that a blurred picture tells by itself, through the edges that it must have had."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from inverse.samplers.blind.shaping import ascended, centred, lagged, projected
from operators.core import fft

EDGES = (1.2e-2, 4e-4)  # what a jump costs, from the first round to the last, of images in [0, 1]
ROUNDS = 9  # at each scale
SMALL = 0.05  # of the largest value: what lies below is none
RIDGE = 2.0
STEEP = 1e5  # how dear a gradient that is no jump becomes
STEPS = 40


def sharpened_kernel(y: Tensor, size: int) -> Tensor:
    """The kernel of a blurred picture, coarse to fine, in turns with an image of few edges.

    `x = argmin ||k * x - y||^2 + lam #{grad x != 0}`,
    `k = argmin ||k * grad x - grad y||^2 + ridge ||k||^2` over `k >= 0`, `sum k = 1`, at scales at
    which k has 3 pixels a side, and sqrt 2 times as many at each next one. Smooth images, which a
    blur would explain as well, are kept out by the few edges; these may be finer as lam sinks.
    Nothing is known of what lies beyond the borders: there edges tell nothing of k.

    Args:
        y: brightness, (H, W), float64, on the range [-1, 1]. size: of k, odd, in pixels.

    Returns:
        (size, size), its centre of mass in the middle.

    Reference: Xu, Zheng and Jia, 2013, doi:10.1109/CVPR.2013.147; Pan et al., 2014,
    doi:10.1109/CVPR.2014.371. Theirs are 5 rounds and lam from 4e-3 to 1e-4, at which soft
    photographs came out as if they were not blurred.
    """
    y, sides = y / 2, _scales(size)
    total = len(sides) * ROUNDS
    costs = [EDGES[0] * (EDGES[1] / EDGES[0]) ** (i / max(total - 1, 1)) for i in range(total)]
    kernel = y.new_zeros(sides[0], sides[0])
    middle = sides[0] // 2
    kernel[middle, middle - 1 : middle + 1] = 0.5
    for place, side in enumerate(sides):
        kernel = _resized(kernel, (side, side)).clamp_min(0)
        kernel = kernel / kernel.sum()
        small = _resized(y, [max(round(n * side / size), 4) for n in y.shape])
        wide, inside = _faded(small, side)
        slopes = _gradient(wide) * inside
        for cost in costs[place * ROUNDS : (place + 1) * ROUNDS]:
            edges = _edges(wide, kernel, cost) * inside
            kernel = _fitted(edges, slopes, side)
    return kernel


def _scales(size: int) -> list[int]:
    """The sides of the kernel, odd, from 3 on."""
    count = round(2 * math.log2(size / 3))
    return [2 * round((size / 2 ** (i / 2) - 1) / 2) + 1 for i in range(count, -1, -1)]


def _resized(x: Tensor, sides: Sequence[int]) -> Tensor:
    if tuple(x.shape) == tuple(sides):
        return x
    return interpolate(x[None, None], size=tuple(sides), mode="bicubic", antialias=True)[0, 0]


def _faded(y: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """The picture continued and faded to grey, so that it goes on round; and where it is itself."""
    ramp = torch.sin(math.pi / 2 * (torch.arange(reach) + 0.5) / reach).to(y).square()
    outside, inside = [], []
    for n in y.shape:
        outside.append(torch.cat([ramp, y.new_ones(n), ramp.flip(0)]))
        half = ramp[::2]
        line = torch.cat([half, y.new_ones(n - 2 * len(half)), half.flip(0)])
        inside.append(pad(line, (reach, reach)))
    wide = pad((y - y.mean())[None, None], (reach,) * 4, mode="replicate")[0, 0]
    return wide * outside[0][:, None] * outside[1], inside[0][:, None] * inside[1]


def _gradient(x: Tensor) -> Tensor:
    return torch.stack([x.roll(-1, dim) - x for dim in (0, 1)])


def _edges(y: Tensor, kernel: Tensor, cost: float) -> Tensor:
    """The gradient of the image of few edges, (2, H, W), the quadratic and the count in turns."""
    sides, reach = y.shape, kernel.shape[0] // 2
    impulse = torch.zeros_like(y)
    impulse[0, 0] = 1
    slope = fft.rfft2(_gradient(impulse))
    full = pad(kernel, (0, sides[1] - kernel.shape[1], 0, sides[0] - kernel.shape[0]))
    blur = fft.rfft2(full.roll((-reach, -reach), (0, 1)))
    seen, power = blur.conj() * fft.rfft2(y), blur.abs().square()
    steep, x, weight = slope.abs().square().sum(0), y, 2 * cost
    jumps = _gradient(y)
    while weight < STEEP:
        jumps = _gradient(x)
        jumps = jumps * (jumps.square().sum(0) >= cost / weight)
        pull = (slope.conj() * fft.rfft2(jumps)).sum(0)
        x = fft.irfft2((seen + weight * pull) / (power + weight * steep), sides)
        weight *= 2
    return jumps


def _fitted(edges: Tensor, slopes: Tensor, side: int) -> Tensor:
    """The kernel that blurs the edges to the slopes that are seen, small values left out."""
    of, reach = fft.rfft2(edges), side // 2
    sides = edges.shape[-2:]
    alike = fft.irfft2(of.abs().square().sum(0), sides)
    seen = fft.irfft2((of.conj() * fft.rfft2(slopes)).sum(0), sides)
    matrix = lagged(alike, side)
    matrix.diagonal().add_(RIDGE)
    right = seen.roll((reach, reach), (0, 1))[:side, :side].flatten()

    def fits(kernel: Tensor) -> Tensor:
        flat = kernel.flatten(1)
        return flat @ right - 0.5 * (flat * (flat @ matrix)).sum(1)

    start = projected(torch.linalg.solve(matrix, right).view(1, 1, side, side))
    kernel = ascended(fits, start, STEPS)
    kernel = kernel * (kernel >= SMALL * kernel.max())
    return centred(kernel / kernel.sum())[0, 0]
