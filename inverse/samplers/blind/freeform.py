"""A blur whose kernel may be any: non-negative, of sum 1, its middle in the middle."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from inverse.denoise import noise_level, transformed
from inverse.samplers.blind.coordinates import coordinates, fading, weights
from inverse.samplers.blind.evidence import contrasts
from inverse.samplers.blind.refits import Refit
from inverse.samplers.blind.shaping import ascended, centred, lagged
from inverse.samplers.blind.sharpening import sharpened_kernel
from inverse.samplers.found import Found, Quantity, known
from operators import LinearOperator, Problem, blur_kernel, kernels
from operators.blurs.borders import Border
from operators.core import fft

STEPS = 80


class Seen(NamedTuple):
    """What an estimate of the image makes of y: the evidence of kernels, and its curvature there.

    Attributes:
        fits: `log p(y | D, k)` of kernels (B, 1, h, w), per sample. precision: of a kernel's values
            at one of them, (B, n, n).
    """

    fits: Callable[[Tensor], Tensor]
    precision: Callable[[Tensor], Tensor]


class BlurKernel(Refit):
    """Any kernel: at first the one that edges tell, then by ascent of its evidence in brightness.

    `log p(y | D, k) = -1/2 sum_f |(y - k * D)_f|^2 / v_f + log v_f`,
    `v_f = |k_f|^2 c r_f^2 + sigma_y^2`, over `k >= 0`, `sum k = 1`; then k is moved by whole pixels
    until its centre of mass is in the middle, as k and the image may move against each other. The
    first is `sharpened_kernel(y)`: with nothing known of the image that law tells `|k_f|` alone.

    Found are `extent`, the standard deviation of the kernel's mass in pixels, and that of each of
    its values, both of the evidence's curvature: they leave out that D depends on k.

    Args:
        size, padding: as in `BlurParameters`. steps: of the ascent, two evidences each.
    """

    def __init__(self, size: int = 25, padding: str = "replicate", steps: int = STEPS) -> None:
        self.size, self.padding, self.steps = size, padding, steps

    def guess(self, image_shape: Sequence[int]) -> LinearOperator:
        """What stands in a problem before: a Gaussian blur."""
        return blur_kernel(image_shape, kernels.gaussian(self.size, self.size / 8), self.padding)

    def __call__(self, problem: Problem, x0: Tensor, r2: Tensor, last: Found | None) -> Found:
        if last is None or last.kernel is None:
            y = _brightness(problem.y)[:, 0]
            kernel = torch.stack([sharpened_kernel(one, self.size) for one in y])[:, None]
            return self._found(problem, kernel, self._flat(kernel), None)
        seen = self._seen(known(problem, [last]), x0, r2)
        kernel = centred(ascended(seen.fits, last.kernel.cpu().double(), self.steps))
        precision = seen.precision(kernel) + self._flat(kernel)
        return self._found(problem, kernel, precision, last.numbers.get("extent"))

    def _flat(self, kernel: Tensor) -> Tensor:
        """The precision of what is known before: values of the order of one over the size."""
        n = self.size**2
        return n * torch.eye(n, dtype=torch.float64).expand(len(kernel), -1, -1)

    def _found(
        self, problem: Problem, kernel: Tensor, precision: Tensor, last: Quantity | None
    ) -> Found:
        covariance = precision.inverse()
        whole = covariance.sum(1, keepdim=True)  # the sum is known to be 1
        covariance = covariance - whole.mT * whole / whole.sum(2, keepdim=True)
        std = covariance.diagonal(dim1=1, dim2=2).clamp_min(0).sqrt().view_as(kernel)
        places = torch.arange(self.size).to(kernel) - self.size // 2
        area = (places[:, None].square() + places.square()).flatten() / 2
        extent = (kernel.flatten(1) @ area).sqrt()
        error = (area @ covariance @ area).clamp_min(0).sqrt() / (2 * extent).clamp_min(0.1)
        silent = error > 0.5 * (self.size / 2) / 12**0.5  # as in `search`, of all that fit in
        number = Quantity(extent, torch.where(silent, math.inf, error)).after(last)
        operator = blur_kernel(problem.operator.in_shape, kernel, self.padding)
        operator = operator.to(problem.operator.anchor)
        return Found({"extent": number}, operator=operator, kernel=kernel, kernel_std=std)

    def _seen(self, problem: Problem, x0: Tensor, r2: Tensor) -> Seen:
        sigma = torch.as_tensor(noise_level(problem)).cpu().double().expand(len(x0))
        faded = self.padding != "circular"
        c = contrasts(coordinates(problem, x0, r2, faded), sigma, problem.y.shape[1])
        # of the mean of the channels, where r2 is of its orthonormal multiple
        share = c[:, :1, None, None] / problem.y.shape[1]
        y, x0 = _brightness(problem.y), _brightness(x0)
        sides, of = y.shape[-2:], x0.shape[-2:]
        r2 = share * _resampled(r2[:1], sides, of)
        border = Border("BlurKernel", self.padding, of, (self.size, self.size))
        spectrum = border.spectrum(x0)
        fade = fading(*sides) if faded else y.new_ones(1)
        weight = weights(sides, fade)
        noise = sigma.square()[:, None, None, None] / problem.y.shape[1]

        def variance(kernel: Tensor) -> Tensor:
            return fft.rfft2(kernel, sides).abs().square() * r2 + noise

        def fits(kernel: Tensor) -> Tensor:
            rest = (y - border.measure(border.transfer(kernel) * spectrum)) * fade
            power = transformed(rest).abs().square() / fade.square().mean()
            v = variance(kernel)
            return -0.5 * (weight * (power / v + v.log())).flatten(1).sum(1)

        def precision(kernel: Tensor) -> Tensor:
            window = fading(*of) if faded else y.new_ones(1)
            power = transformed(x0 * window).abs().square() / window.square().mean()
            told = _resampled(power[:, 0], sides, of)[:, None] / variance(kernel)
            told = told * (weight > 0) * (fade.square().mean() ** 2 / fade.pow(4).mean())
            return lagged(fft.irfft2(told, sides)[:, 0] * math.prod(sides), self.size)

        return Seen(fits, precision)


def _resampled(r2: Tensor, sides: Sequence[int], of: Sequence[int]) -> Tensor:
    """A half plane of images with sides `of` at the nearest frequencies of those with `sides`."""
    down = (torch.fft.fftfreq(sides[0], dtype=torch.float64) * of[0]).round().long() % of[0]
    across = (torch.fft.rfftfreq(sides[1], dtype=torch.float64) * of[1]).round().long()
    return r2[:, down][:, :, across]


def _brightness(x: Tensor) -> Tensor:
    return x.cpu().double().mean(1, keepdim=True)
